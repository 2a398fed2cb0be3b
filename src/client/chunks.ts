import type { NewJob } from "../store/new-jobs.ts";

// More rows gain nothing, and one statement should not hold the server for long, nor its text be longer than a string.
const maxRows = 10_000;
const maxCharacters = 32_000_000;

/** The jobs in statements of a bearable size, in order. */
export function chunksOf<Job extends NewJob>(jobs: readonly Job[]): Job[][] {
  const chunks: Job[][] = [];
  let chunk: Job[] = [];
  let characters = 0;
  for (const job of jobs) {
    const isFull = chunk.length >= maxRows || characters + job.payload.length > maxCharacters;
    if (isFull && chunk.length > 0) {
      chunks.push(chunk);
      chunk = [];
      characters = 0;
    }
    chunk.push(job);
    characters += job.payload.length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
