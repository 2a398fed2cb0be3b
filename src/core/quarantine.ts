/** A job that was running in this many workers that died is not run again. */
export const quarantineAfter = 4;

/** A job that was running in this many runs alone, so that the next death tells whether it is to blame. */
export const aloneAfter = quarantineAfter - 1;
