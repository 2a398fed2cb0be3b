// Opens a database from what `threadConnection()` said, and runs one statement.
import { parentPort, workerData } from "node:worker_threads";

const { connection, statement } = workerData;
const { openDatabase } = await import(connection.module);
const database = openDatabase(connection.config);
parentPort.postMessage(await database.query(statement));
await database.close();
