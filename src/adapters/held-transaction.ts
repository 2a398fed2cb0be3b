/** A transaction that a driver keeps open for as long as a callback runs. */
export interface HeldTransaction<Client> {
  readonly client: Client;
  /** Lets the callback end; resolves when the driver has committed. */
  commit(): Promise<void>;
  /** Lets the callback fail; resolves when the driver has rolled back. */
  rollback(): Promise<void>;
}

type Begin<Client> = (callback: (client: Client) => Promise<void>) => Promise<unknown>;

class RolledBack extends Error {}

/** Opens a driver's transaction and keeps its callback from ending until it is told how to. */
export function hold<Client>(begin: Begin<Client>): Promise<HeldTransaction<Client>> {
  return new Promise((resolve, reject) => {
    const ended = begin((client) => {
      return new Promise<void>((finish, fail) => {
        resolve({
          client,
          async commit() {
            finish();
            await ended;
          },
          async rollback() {
            fail(new RolledBack());
            await ended.catch(ignoreRolledBack);
          },
        });
      });
    });
    // When it has begun, whoever holds it hears of its end.
    ended.catch(reject);
  });
}

function ignoreRolledBack(error: unknown): void {
  if (!(error instanceof RolledBack)) throw error;
}
