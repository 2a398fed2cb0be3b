/** Statements of Pawl's, known by their texts. */
export const statements = {
  claim: /\.claim_(limited_)?jobs\(/,
  settle: /\.(finish|return)_jobs\(/,
  enqueue: /insert into "[^"]+"\.jobs/,
  commit: /^\s*commit\s*$/m,
} as const;
