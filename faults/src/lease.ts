/** Of the workers of a run, in milliseconds: short, so that a run is. */
export const leaseMs = 1_000;

/** The longest pause between two looks for jobs, in milliseconds. */
export const pollMs = 200;

/** How long a call to the database may take, in milliseconds: a connection that has become silent is given up then. */
export const queryTimeoutMs = 2_500;
