/** A job that was running in this many workers that died, or may have been, is not run again. */
export const quarantineAfter = 4;

/** Seen in this many, it runs alone, so that the next death tells whether it is to blame: `rescue_jobs` reckons the same. */
export const aloneAfter = quarantineAfter - 1;
