// Remember: photos, a box on each, and the words; a new concept or more views of a known one.

import { idOf, retrieve } from "./api.js";
import { overlap, readBox } from "./boxes.js";
import { byId, el, show, tell } from "./dom.js";
import { BoxEditor } from "./editor.js";
import * as edits from "./edits.js";
import { choosePhotos } from "./intake.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const MOST_PHOTOS = 16;
const SAME = 0.7; // overlap from which on two boxes are one suggestion
const dialog = byId("remember");
const form = byId("remember-form");
const note = byId("remember-note");
const editor = new BoxEditor(byId("editor"));
let shots = []; // [{photo, box, suggestions, known}]
let current = null;
let known; // the concept that gets the views; undefined for a new one

/** Opens the dialog on photos; with `concept`, they become views of it. `box`: of the first. */
export function openRemember(photos, { concept, box = null } = {}) {
  if (!photos.length) return;
  known = concept;
  shots = [];
  form.reset();
  tell(note, "");
  byId("remember-title").textContent = known ? `More of ${known.display_name}` : "Remember";
  byId("remember-submit").textContent = known ? `Add to ${known.display_name}` : "Remember";
  show(!known, byId("words"));
  byId("new-name").disabled = Boolean(known); // or its emptiness would stop the form
  byId("remember-submit").disabled = false;
  dialog.showModal();
  addShots(photos, box);
  if (!known) byId("new-name").focus();
}

/** True when photos that come in belong to this dialog. */
export const isOpen = () => dialog.open;

/** Adds photos of the same thing. */
export function addShots(photos, box = null) {
  const added = photos
    .slice(0, MOST_PHOTOS - shots.length)
    .map((photo, number) => ({ photo, box: number ? null : box, suggestions: [] }));
  if (added.length < photos.length)
    tell(note, `At most ${MOST_PHOTOS} photos at a time; the others were left out.`, {
      error: true,
    });
  shots.push(...added);
  for (const shot of added) suggest(shot);
  if (added.length) choose(added[0]);
}

byId("remember-close").addEventListener("click", () => dialog.close());
byId("more-photos").addEventListener("click", async () => addShots(await choosePhotos()));
editor.addEventListener("change", () => (current.box = editor.box));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

function choose(shot) {
  current = shot;
  editor.show(shot.photo, shot.box);
  editor.suggest(shot.suggestions);
  drawStrip();
  drawLooksLike();
}

function drawStrip() {
  byId("shots").replaceChildren(
    ...(shots.length > 1 ? shots : []).map((shot, number) =>
      el(
        "li",
        {},
        el(
          "button",
          {
            type: "button",
            class: "thumb",
            "aria-pressed": String(shot === current),
            "aria-label": `Photo ${number + 1}`,
            on: { click: () => choose(shot) },
          },
          el("img", { src: shot.photo.url, alt: "" }),
        ),
        el("button", {
          type: "button",
          class: "remove",
          "aria-label": `Leave out photo ${number + 1}`,
          text: "✕",
          on: { click: () => leaveOut(shot) },
        }),
      ),
    ),
  );
}

function leaveOut(shot) {
  shots.splice(shots.indexOf(shot), 1);
  choose(shot === current ? shots[0] : current);
}

/** Looks for what is in the photo: boxes to take, and whom it looks like. A help, not a need. */
async function suggest(shot) {
  const found = await retrieve(shot.photo).catch((error) => console.warn("suggestions:", error));
  if (!found) return;
  const accepted = found.accepted.map((used) => ({
    box: readBox(used.box),
    label: used.display_name,
    concept: used.concept,
  }));
  const others = found.regions
    .filter((region) => region.category && region.score >= 0.25)
    .map((region) => ({ box: readBox(region.box), label: region.category }));
  shot.known = accepted[0];
  shot.suggestions = [];
  for (const one of [...accepted, ...others]) {
    if (one.box && shot.suggestions.every((other) => overlap(one.box, other.box) < SAME))
      shot.suggestions.push(one);
  }
  if (shot !== current) return;
  editor.suggest(shot.suggestions);
  drawLooksLike();
}

function drawLooksLike() {
  const place = byId("looks-like");
  const like = !known && current.known && store.get(idOf(current.known.concept));
  show(like, place);
  if (!like) return;
  place.replaceChildren(
    `This may be ${like.display_name}, known already. `,
    el("button", {
      type: "button",
      class: "link",
      text: `Add it to ${like.display_name} instead`,
      on: { click: () => instead(like) },
    }),
  );
}

function instead(concept) {
  const kept = shots;
  const at = current;
  const others = kept.filter((shot) => shot !== at);
  dialog.close();
  openRemember([at.photo], { concept, box: at.box ?? at.known.box });
  addShots(others.map((shot) => shot.photo));
  others.forEach((shot, number) => (shots[number + 1].box = shot.box));
  choose(shots[0]);
}

async function submit() {
  const sent = shots;
  const isShown = () => dialog.open && shots === sent; // else it was closed, and maybe opened anew
  const words = Object.fromEntries(
    [...new FormData(form)].map(([key, value]) => [key, value.trim()]).filter(([, value]) => value),
  );
  if (!known && !words.display_name) {
    complain("Give it a name, as in bo.", byId("new-name"));
    return;
  }
  byId("remember-submit").disabled = true;
  tell(note, known ? "Looking closely…" : "Remembering…");
  const better = known ? "better " : "";
  try {
    const concept = known
      ? await edits.addViews(idOf(known.name), shots)
      : await edits.remember(words, shots);
    if (isShown()) dialog.close();
    toast(told(concept, better));
  } catch (error) {
    if (isShown()) fail(error);
    else toast(error.message, { error: true });
  }
}

/** What there is to say of a concept that was taken in. */
function told({ display_name: name, state, ready_in: seconds }, better) {
  if (state === "STATE_TRAINING")
    return `Kith learns ${name} now${seconds ? `, and knows it in about ${seconds} s` : ""}.`;
  if (state === "STATE_OUTDATED" || state === "STATE_UNTRAINED")
    return `Kith keeps the photos of ${name}, and learns from them when it is trained again.`;
  return `Kith knows ${name} ${better}now.`;
}

/** Tells what is wrong at the place where it can be put right. */
function fail(error) {
  console.warn("remember:", error);
  byId("remember-submit").disabled = false;
  const number = Number(/views\[(\d+)\]/.exec(error.field)?.[1] ?? 0);
  const boxes = [...error.message.matchAll(/([^(;]*?) (\d+),(\d+),(\d+),(\d+)/g)];
  if (error.reason === "SEVERAL_REGIONS" && boxes.length && shots[number]) {
    shots[number].suggestions = boxes.map(([, label, ...sides]) => ({
      label: label.trim(),
      box: readBox(sides.map(Number)),
    }));
    choose(shots[number]);
    complain(
      "Several things are to be seen. Choose the one you mean, or draw a box around it.",
      editor.stage.querySelector("button"),
    );
  } else {
    const field = ["display_name", "category", "description"].find((name) =>
      error.field?.endsWith(name),
    );
    complain(error.message, field && !known ? form.elements[field] : null);
  }
}

function complain(text, place) {
  tell(note, text, { error: true });
  place?.focus();
}
