// The question being written: its text, and the photos that go with it.

import { byId, el } from "./dom.js";
import { choosePhotos, fromCamera } from "./intake.js";
import { toast } from "./toast.js";

const MOST_PHOTOS = 8;
const question = byId("question");
let photos = [];

/** Calls `send({text, photos})` for each question; it is kept when `send` refuses with false. */
export function startComposer(send) {
  byId("attach").addEventListener("click", async () => attach(await choosePhotos()));
  byId("attach-camera").addEventListener("click", async () => attach(await fromCamera()));
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (!text && !photos.length) question.focus();
    else if (send({ text: text || "What is in this picture?", photos })) clear();
  });
}

/** Adds photos to the question. */
export function attach(added) {
  const room = MOST_PHOTOS - photos.length;
  photos.push(...added.slice(0, room));
  if (added.length > room) toast(`A question takes at most ${MOST_PHOTOS} photos.`);
  draw();
  question.focus();
}

function clear() {
  question.value = "";
  photos = [];
  draw();
}

function draw() {
  byId("attached").replaceChildren(
    ...photos.map((photo, number) =>
      el(
        "li",
        {},
        el("img", { class: "thumb", src: photo.url, alt: `Photo ${number + 1}` }),
        el("button", {
          type: "button",
          class: "remove",
          "aria-label": `Leave out photo ${number + 1}`,
          text: "✕",
          on: {
            click: () => {
              photos.splice(number, 1);
              draw();
              question.focus();
            },
          },
        }),
      ),
    ),
  );
}
