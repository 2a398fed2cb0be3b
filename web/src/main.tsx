import { render } from "preact";
import { App } from "./app.tsx";
import { startClock } from "./clock.ts";
import { followKeys } from "./keys.ts";
import { goLive } from "./live.ts";
import { followAddress } from "./route.ts";
import { followTheme } from "./theme.ts";

followTheme();
followAddress();
followKeys();
goLive();
startClock();

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
