import { DatabaseError } from "../core/errors.ts";
import type { Listener, ListenEvents } from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import type { PgNotification, Preparation } from "./pg-client.ts";
import type { PgConnection } from "./pg-connection.ts";
import { Subscription, type ListeningSession } from "./subscription.ts";

export interface PgSubscription {
  readonly connection: PgConnection;
  readonly channel: string;
  readonly events: ListenEvents;
  readonly timeoutMs: number;
  /** Ends the connection with all that belongs to it. */
  readonly end: () => Promise<void>;
}

const unprepared: Preparation = { enabled: false };

/** Subscribes a connection to a channel. */
export async function listen(options: PgSubscription): Promise<Listener> {
  const { connection, channel, events, timeoutMs, end } = options;
  const { client } = connection;
  const onNotification = (message: PgNotification): void => {
    subscription.notify(message.channel, message.payload ?? "");
  };
  const onError = (error: Error): void => {
    subscription.lose(error);
  };
  const onEnd = (): void => {
    subscription.lose(
      new DatabaseError("PAWL_DATABASE_UNAVAILABLE", "the listening connection ended"),
    );
  };
  const session: ListeningSession = {
    async run(statement, values) {
      const deadline = new Deadline(timeoutMs);
      return (await connection.run({ statement, values, deadline, preparation: unprepared })).rows;
    },
    async end() {
      connection.destroy();
      await end();
      client.removeListener("notification", onNotification);
      client.removeListener("end", onEnd);
      client.removeListener("error", onError);
    },
  };
  const subscription = new Subscription(session, channel, events);
  client.on("notification", onNotification);
  client.on("error", onError);
  client.on("end", onEnd);
  await subscription.start();
  return subscription;
}
