import { render } from "preact";
import { App } from "./app.tsx";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/parts.css";

const root = document.querySelector("#app");
if (root !== null) render(<App />, root);
