// The review page: asks once who reviews, then shows the grid and one picture at a time.

import { byId } from "./dom.js";
import { drawGrid } from "./grid.js";
import { Store } from "./store.js";
import { Zoom } from "./zoom.js";

const REVIEWER = "kith-reviewer";

/** The name of whoever reviews: asked the first time, and whenever it is to be another one. */
function ask() {
  const asking = byId("asking");
  byId("reviewer").value = localStorage.getItem(REVIEWER) ?? "";
  asking.addEventListener("cancel", (event) => event.preventDefault());
  asking.showModal();
  return new Promise((resolve) => {
    byId("naming").addEventListener("submit", (event) => {
      const name = byId("reviewer").value.trim();
      if (!name) return event.preventDefault();
      localStorage.setItem(REVIEWER, name);
      return resolve(name);
    });
  });
}

function failed(error) {
  byId("wrong").textContent = `That was not kept: ${error.message}`;
  byId("wrong").hidden = false;
}

async function start() {
  const answer = await fetch("dataset");
  const dataset = await answer.json();
  if (!answer.ok) throw new Error(dataset.error);
  const store = new Store(dataset, localStorage.getItem(REVIEWER) ?? (await ask()));
  const zoom = new Zoom(store, draw, failed);
  byId("name").textContent = dataset.name;
  document.title = `Review of ${dataset.name}`;
  byId("who").textContent = store.reviewer;

  function draw() {
    byId("wrong").hidden = true;
    byId("progress").textContent = store.progress();
    byId("undo").disabled = !store.canUndo;
    const pictures = store.shown(byId("filter").value);
    drawGrid(store, pictures, (picture) => zoom.open(picture, pictures));
  }

  async function undo() {
    let picture;
    try {
      picture = await store.undo();
    } catch (error) {
      byId("zoom").close();
      failed(error);
      return;
    }
    draw();
    if (byId("zoom").open && picture) zoom.go(picture);
  }

  byId("filter").addEventListener("change", draw);
  byId("undo").addEventListener("click", undo);
  byId("who").addEventListener("click", async () => {
    await ask();
    location.reload();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("asking").open) return;
    if (event.key.toLowerCase() === "z") undo();
    else if (!byId("zoom").open || !zoom.press(event)) return;
    event.preventDefault();
  });
  draw();
}

start().catch(failed);
