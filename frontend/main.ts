/**
 * The entry of every page. Django renders the shell; each element with a `data-island` attribute names a component in
 * `pages/`, which is loaded only on the pages that use it. Its props stand as JSON in `<script id="props">`, its title in `data-title`.
 */
import "./styles/index.css";
import { mount, type Component } from "svelte";
import Toasts from "./components/Toasts.svelte";
import { startRail } from "./lib/rail";
import { startTheme } from "./lib/theme";

type Page = { default: Component<Record<string, unknown>> };
const pages = import.meta.glob<Page>("./pages/*.svelte");

async function mountIsland(element: HTMLElement): Promise<void> {
  const name = element.dataset.island ?? "";
  const load = pages[`./pages/${name}.svelte`];
  if (load === undefined) throw new Error(`no island is called ${name}`);
  const json = document.getElementById("props")?.textContent ?? "{}";
  const props = { title: element.dataset.title ?? "", ...(JSON.parse(json) as Record<string, unknown>) };
  const page = await load();
  element.replaceChildren(); // what stood there was the shape of what comes
  mount(page.default, { target: element, props });
  element.dataset.ready = "";
}

startTheme();
startRail();
mount(Toasts, { target: document.body });
for (const element of document.querySelectorAll<HTMLElement>("[data-island]")) void mountIsland(element);
