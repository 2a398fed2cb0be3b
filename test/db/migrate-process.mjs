// Migrates one schema and prints what it did: one of many at once.
import { pgDatabase } from "#pawl/adapters/pg";
import { migrate } from "#pawl/db/migrate";

const [url, schema] = process.argv.slice(2);
const database = pgDatabase(url, { maxConnections: 1 });
console.log(JSON.stringify(await migrate(database, schema)));
await database.close();
