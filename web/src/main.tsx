import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/panels.css";
import "./styles/tables.css";
import "./styles/charts.css";
import "./styles/job.css";
import "./styles/layers.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { startClock } from "./clock.ts";
import { startKeys } from "./keys.ts";
import { startLive } from "./live.ts";
import { loadSession } from "./session.ts";
import { startTheme } from "./theme.ts";

startTheme();
startClock();
startKeys();
startLive();
void loadSession();

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
