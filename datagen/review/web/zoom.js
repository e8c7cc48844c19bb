// One picture, large, beside the seeds of its concepts, with a key for every decision.

import { address, byId, el } from "./dom.js";

const KEYS = "1234567890-=";
const PANS = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };

export class Zoom {
  #store;
  #pictures = [];
  #place = 0;
  #changed;
  #failed;

  /** `changed` is called after every decision, `failed` with what went wrong. */
  constructor(store, changed, failed) {
    this.#store = store;
    this.#changed = changed;
    this.#failed = failed;
    byId("keep").addEventListener("click", () => this.#say("keep"));
    byId("before").addEventListener("click", () => this.#step(-1));
    byId("after").addEventListener("click", () => this.#step(1));
    byId("magnify").addEventListener("click", () => this.#magnify());
    byId("picture").addEventListener("click", () => this.#magnify());
    byId("picture").addEventListener("load", () => this.#centre());
    byId("close").addEventListener("click", () => byId("zoom").close());
    byId("causes").replaceChildren(...Object.entries(store.dataset.causes).map(this.#cause));
  }

  /** Opens one picture; the others of the list are reached by the arrows. */
  open(picture, pictures) {
    this.#pictures = pictures;
    this.#place = pictures.indexOf(picture);
    this.draw();
    if (!byId("zoom").open) byId("zoom").showModal();
    byId("keep").focus();
  }

  /** Shows another picture of the list, or this one anew if that one is not in it. */
  go(picture) {
    const place = this.#pictures.indexOf(picture);
    if (place >= 0) this.#place = place;
    this.draw();
  }

  /** What a key does; tells whether it does anything. */
  press({ key, shiftKey }) {
    const pan = shiftKey && PANS[key.toLowerCase()];
    const act = pan ? () => this.#pan(...pan) : {
      k: () => this.#say("keep"),
      arrowleft: () => this.#step(-1),
      arrowright: () => this.#step(1),
      "+": () => this.#magnify(),
    }[key.toLowerCase()];
    const cause = Object.keys(this.#store.dataset.causes)[KEYS.indexOf(key)];
    if (act) act();
    else if (cause) this.#say("reject", cause);
    return Boolean(act || cause);
  }

  draw() {
    const picture = this.#pictures[this.#place];
    const mine = this.#store.mine(picture);
    byId("picture").src = address(picture.file_name);
    byId("picture").alt = picture.prompt;
    byId("file").textContent = picture.file_name;
    byId("prompt").textContent = picture.prompt;
    byId("proposal").textContent = proposed(this.#store, picture);
    byId("others").textContent = others(this.#store, picture);
    byId("seeds").replaceChildren(...this.#seeds(picture));
    byId("keep").ariaPressed = String(mine?.decision === "keep");
    byId("before").disabled = this.#place === 0;
    byId("after").disabled = this.#place === this.#pictures.length - 1;
    for (const button of byId("causes").querySelectorAll("button"))
      button.ariaPressed = String(mine?.cause === button.dataset.cause);
  }

  /** Goes on at once: nobody waits for a disk between two keys. */
  async #say(decision, cause) {
    const picture = this.#pictures[this.#place];
    this.#step(1);
    try {
      await this.#store.say(picture, decision, cause);
    } catch (error) {
      byId("zoom").close();
      this.#failed(error);
      return;
    }
    this.#changed();
    this.draw();
  }

  #step(by) {
    const place = this.#place + by;
    if (place < 0 || place >= this.#pictures.length) return;
    this.#place = place;
    this.draw();
  }

  #magnify() {
    const magnified = byId("stage").classList.toggle("magnified");
    byId("magnify").ariaPressed = String(magnified);
    this.#centre();
  }

  /** Shows the subject that is least like its seeds, or the middle. */
  #centre() {
    const subjects = this.#pictures[this.#place]?.score?.subjects ?? [];
    const least = subjects.toSorted((one, other) => one.likeness - other.likeness)[0];
    const [x1, y1, x2, y2] = least?.box ?? [0, 0, 1, 1];
    const stage = byId("stage");
    stage.scrollTo(
      ((x1 + x2) / 2) * stage.scrollWidth - stage.clientWidth / 2,
      ((y1 + y2) / 2) * stage.scrollHeight - stage.clientHeight / 2,
    );
  }

  /** Moves a magnified picture by a quarter of what is seen of it. */
  #pan(right, down) {
    const stage = byId("stage");
    stage.scrollBy((right * stage.clientWidth) / 4, (down * stage.clientHeight) / 4);
  }

  #cause = ([cause, words], place) => {
    const key = el("kbd", { textContent: KEYS[place] });
    const button = el("button", { type: "button", data: { cause } }, `${words} `, key);
    button.addEventListener("click", () => this.#say("reject", cause));
    return el("li", {}, button);
  };

  #seeds(picture) {
    return picture.concepts.map((concept) => {
      const subject = picture.score?.subjects.find((one) => one.concept === concept);
      const likeness = subject ? `, likeness ${subject.likeness.toFixed(2)}` : "";
      const seeds = this.#store.dataset.seeds[concept].map((file) =>
        el("img", { src: address(file), alt: `A seed of ${concept}`, loading: "lazy" }),
      );
      const title = el("h3", { textContent: `${concept}${likeness}` });
      return el("section", {}, title, el("div", { className: "seeds" }, ...seeds));
    });
  }
}

function proposed({ dataset }, { score }) {
  if (!score) return "Not measured; kith datagen clean proposes what to reject.";
  const why = score.cause ? `reject, since ${dataset.causes[score.cause]}` : "keep";
  const copy = score.copy_of ? ` (${score.copy_of})` : "";
  const sharpness = Math.round(score.sharpness);
  const light = `brightness ${score.brightness}, clipped ${score.clipped}`;
  const artefacts = `blocking ${score.blocking}, noise ${score.noise}`;
  return `Proposal: ${why}${copy}. Sharpness ${sharpness}, ${light}, ${artefacts}, evenness ${score.evenness} (photographic look).`;
}

function others(store, { opinions }) {
  return Object.entries(opinions)
    .filter(([name]) => name !== store.reviewer)
    .map(([name, { decision, cause }]) => `${name}: ${cause ? store.dataset.causes[cause] : decision}`)
    .join("; ");
}
