// The turns of a chat on the page: a question with its photos, an answer with what it rests on.

import { idOf, retrieve } from "./api.js";
import { conceptLink, writeAnswer } from "./answer.js";
import { openBoxMenu } from "./boxmenu.js";
import { el } from "./dom.js";
import { fillFrame } from "./frame.js";
import { Overlay } from "./overlay.js";
import { openRemember } from "./remember.js";
import { store } from "./store.js";

/** What the user said; each photo gets its boxes as soon as they are found. */
export class Question {
  role = "user";

  /** `corrected` is called when the memory has changed by a box of its photos. */
  constructor(text, photos, corrected) {
    this.text = text;
    this.photos = photos;
    this.overlays = photos.map(
      (photo) =>
        new Overlay(photo, (finding, button) =>
          openBoxMenu(photo, finding, button, () => {
            corrected();
            this.look(number(photo));
          }),
        ),
    );
    const number = (photo) => photos.indexOf(photo);
    const said = el("p", { class: "said" });
    this.root = el(
      "article",
      { class: "turn question", "aria-label": "You" },
      photos.length > 0 && el("div", { class: "photos" }, ...this.overlays.map(withTools)),
      said,
    );
    writeAnswer(said, text, { ended: true });
    photos.forEach((_, index) => this.look(index));
  }

  /** Looks at a photo (again) and draws its boxes. Without them the answer's will do. */
  async look(index) {
    const overlay = this.overlays[index];
    overlay.root.classList.add("looking");
    try {
      overlay.draw(await retrieve(this.photos[index]));
    } catch (error) {
      console.warn("boxes:", error);
    }
    overlay.root.classList.remove("looking");
  }

  /** The turn as OpenAI's API takes it. */
  async message() {
    const images = await Promise.all(
      this.photos.map(async (photo) => ({
        type: "image_url",
        image_url: { url: await photo.dataUrl() },
      })),
    );
    return { role: "user", content: [...images, { type: "text", text: this.text }] };
  }
}

/** What Kith answers, while it comes and when it is there. */
export class Answer {
  role = "assistant";
  text = "";

  constructor(question, retry) {
    this.question = question;
    this.retry = retry;
    this.words = el("p", { class: "words waiting" });
    this.foot = el("div", { class: "foot" });
    this.root = el(
      "article",
      { class: "turn answer", "aria-label": "Kith", "aria-busy": "true" },
      this.words,
      this.foot,
    );
    this.root.addEventListener("pointerover", (event) => this.#light(event.target));
    this.root.addEventListener("pointerleave", () => this.#light(null));
    this.root.addEventListener("focusin", (event) => this.#light(event.target));
    this.root.addEventListener("focusout", () => this.#light(null));
  }

  /** Takes the next piece of the text. */
  add(piece) {
    this.text += piece;
    this.words.classList.remove("waiting");
    writeAnswer(this.words, this.text);
  }

  /**
   * Ends the answer.
   * @param {object} rest `concepts` that it rests on; `degradation`: what it had to do without;
   *   `stopped`: the user ended it.
   */
  end({ concepts = [], degradation = null, stopped = false }) {
    const names = concepts.map((used) => used.display_name);
    this.words.classList.remove("waiting");
    writeAnswer(
      this.words,
      this.text || (stopped ? "Stopped." : "No answer came. Ask again, or in other words."),
      { names, ended: true },
    );
    if (degradation)
      this.foot.append(el("p", { class: "note error", role: "alert", text: degradation.message }));
    this.#restsOn(concepts);
    this.foot.append(
      el("button", {
        type: "button",
        class: "quiet small",
        text: "Ask again",
        on: { click: this.retry },
      }),
    );
    this.root.ariaBusy = "false";
  }

  /** Tells what went wrong; the question stays, to be asked again. */
  fail(error) {
    this.words.classList.remove("waiting");
    if (!this.text) this.words.remove();
    this.foot.replaceChildren(
      el("p", { class: "note error", role: "alert", text: error.message }),
      el("button", { type: "button", text: "Try again", on: { click: this.retry } }),
    );
    this.root.ariaBusy = "false";
  }

  /** What a correction has made doubtful is not said again: a model repeats what it has said. */
  message() {
    const content = this.corrected ? "The user has corrected this answer." : this.text;
    return { role: "assistant", content };
  }

  #restsOn(concepts) {
    const known = new Map(concepts.map((used) => [used.concept, used]));
    if (!known.size) return;
    this.foot.append(
      el(
        "ul",
        { class: "rests-on", "aria-label": "The answer rests on" },
        ...[...known.values()].map((used) => {
          const frame = el("span", { class: "frame tiny" });
          if (used.view) fillFrame(frame, used.view, "");
          const concept = store.get(idOf(used.concept)) ?? {
            name: used.concept,
            display_name: used.display_name,
          };
          const score = used.score ? `${Math.round(100 * used.score)} %` : "named";
          return el(
            "li",
            {},
            frame,
            conceptLink(concept),
            el("span", { class: "soft", text: score }),
          );
        }),
      ),
    );
  }

  #light(target) {
    const id = target?.closest?.("[data-concept]")?.dataset.concept ?? null;
    for (const overlay of this.question.overlays) overlay.light(id);
  }
}

/** A photo with the way to mark what Kith has overlooked. */
function withTools(overlay) {
  return el(
    "div",
    { class: "shown" },
    overlay.root,
    el("button", {
      type: "button",
      class: "quiet small",
      text: "Mark something",
      on: { click: () => openRemember([overlay.photo]) },
    }),
  );
}
