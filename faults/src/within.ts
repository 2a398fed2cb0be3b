/** Waits for something, at most for so many milliseconds; resolves with whether it came in time. */
export async function within(ms: number, happens: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, ms);
  });
  const isInTime = await Promise.race([happens.then(() => true), tooLate]);
  clearTimeout(timer);
  return isInTime;
}
