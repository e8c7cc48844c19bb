// One concept, to look at and to edit in place: every field is saved as it is left.

import { getConcept, idOf } from "./api.js";
import { byId, el, show, tell } from "./dom.js";
import * as edits from "./edits.js";
import { fillFrame, firstView } from "./frame.js";
import { focusCard } from "./gallery.js";
import { store } from "./store.js";
import { attempt } from "./toast.js";

const FIELDS = ["display_name", "category", "description"];
const dialog = byId("concept");
const form = byId("concept-form");
const note = byId("concept-note");
let id = null;
let addPhotos = null;
let shown = {}; // the words as they were last put into the fields

/** Opens the panel of a concept; `addPhotos(concept)` and `leave()` are what its buttons do. */
export function openConcept(wanted, { leave, ...does }) {
  if (id === wanted) return;
  id = wanted;
  addPhotos = does.addPhotos;
  shown = {};
  tell(note, "");
  show(false, byId("concept-conflict"));
  form.reset();
  draw();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  dialog.onclose = () => {
    const last = id;
    id = null;
    leave();
    focusCard(last);
  };
}

/** The concept whose panel is open, if any. */
export const openedConcept = () => store.get(id);

/** Closes the panel, if it is open. */
export const closeConcept = () => dialog.open && dialog.close();

store.addEventListener("change", ({ detail }) => {
  if (!id || (detail.kind !== "all" && detail.id !== id)) return;
  if (!store.get(id)) {
    closeConcept();
    return;
  }
  draw();
  if (detail.elsewhere) tell(note, "Just changed elsewhere.");
});
byId("concept-close").addEventListener("click", closeConcept);
dialog.addEventListener("click", (event) => event.target === dialog && closeConcept());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  document.activeElement.blur(); // which saves
});
for (const field of FIELDS) {
  const input = form.elements[field];
  input.addEventListener("change", () => save(field));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || input.value === shown[field]) return;
    event.preventDefault(); // the first Escape takes back what was typed, the next one closes
    input.value = shown[field] = store.get(id)[field] ?? "";
    tell(note, "");
  });
}
byId("forget").addEventListener("click", async () => {
  const concept = store.get(id);
  closeConcept();
  await attempt(() => edits.forget(concept));
});
byId("keep-mine").addEventListener("click", () => settle(true));
byId("take-theirs").addEventListener("click", () => settle(false));

function draw() {
  const concept = store.get(id);
  const view = firstView(concept);
  if (view) fillFrame(byId("concept-photo"), view.name, concept.display_name);
  dialog.ariaLabel = concept.display_name;
  dialog.dataset.hue = store.hue(id);
  for (const field of FIELDS) {
    const input = form.elements[field];
    const now = concept[field] ?? "";
    const typing = input.value !== (shown[field] ?? "") && input.value.trim() !== now;
    if (!typing) input.value = shown[field] = now;
  }
  const views = concept.views ?? [];
  const positives = views.filter((one) => !one.negative);
  const negatives = views.filter((one) => one.negative);
  byId("views").replaceChildren(
    ...positives.map((one) => tile(one, "view", positives.length > 1)),
    el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "tile add", on: { click: () => addPhotos(concept) } },
        "Add photos",
      ),
    ),
  );
  byId("negatives").replaceChildren(...negatives.map((one) => tile(one, "rejected view", true)));
  byId("negatives-title").textContent = `Not ${concept.display_name}`;
  show(negatives.length > 0, byId("negatives-part"));
  byId("concept-date").textContent = concept.create_time
    ? `Remembered ${new Date(concept.create_time).toLocaleDateString(undefined, { dateStyle: "long" })}`
    : "";
}

/** A view in the strip; to take it away has to be asked for twice, for there is no undo. */
function tile(view, what, removable) {
  const frame = el("span", { class: "frame tile" });
  fillFrame(frame, view.name, what);
  const remove = el("button", {
    type: "button",
    class: "remove",
    "aria-label": `Remove this ${what}`,
    text: "✕",
  });
  remove.addEventListener("click", () => {
    if (!remove.classList.contains("sure")) {
      remove.classList.add("sure");
      remove.textContent = "Remove?";
      return;
    }
    trying(() => edits.removeView(id, idOf(view.name)));
  });
  remove.addEventListener("blur", () => {
    remove.classList.remove("sure");
    remove.textContent = "✕";
  });
  return el("li", {}, frame, removable && remove);
}

async function save(field) {
  const concept = store.get(id);
  const value = form.elements[field].value.trim();
  const theirs = concept?.[field] ?? "";
  if (!concept || value === theirs) return;
  if (theirs !== (shown[field] ?? "")) {
    await conflict();
    return;
  }
  if (field === "display_name" && !value) {
    tell(note, "A name is needed. Type one, or press Escape to go back to the old one.", {
      error: true,
    });
    return;
  }
  await trying(async () => {
    await edits.update(id, { [field]: value, etag: concept.etag });
    tell(note, "Saved.");
  });
}

/** Runs an edit; what goes wrong is told here, where it was made. */
async function trying(edit) {
  try {
    await edit();
  } catch (error) {
    if (error.code === 409 && error.reason.startsWith("ETAG")) await conflict();
    else tell(note, error.message, { error: true });
  }
}

async function conflict() {
  store.put(await getConcept(id)); // what the user typed stays in its field
  tell(note, `Someone changed ${store.get(id).display_name} while you wrote. Which text shall stay?`, {
    error: true,
  });
  show(true, byId("concept-conflict"));
}

async function settle(mine) {
  show(false, byId("concept-conflict"));
  tell(note, "");
  for (const field of FIELDS) {
    shown[field] = store.get(id)[field] ?? "";
    if (mine) await save(field);
    else form.elements[field].value = shown[field];
  }
}
