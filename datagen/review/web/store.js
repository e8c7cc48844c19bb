// What the page knows: the dataset, who reviews, and what was said. Nothing here touches the page.

export class Store {
  #undo = [];
  #sent = Promise.resolve();

  /** @param {object} dataset What the server told. @param {string} reviewer Who says it. */
  constructor(dataset, reviewer) {
    this.dataset = dataset;
    this.reviewer = reviewer;
  }

  /** What this reviewer said of a picture, or undefined. */
  mine(picture) {
    return Object.hasOwn(picture.opinions, this.reviewer)
      ? picture.opinions[this.reviewer]
      : undefined;
  }

  /** Whether this reviewer's word differs from the proposal. */
  disputed(picture) {
    const said = this.mine(picture);
    return Boolean(said && picture.score && said.decision !== picture.score.proposal);
  }

  /** The pictures that a filter of the page lets through. */
  shown(filter) {
    const fits = {
      all: () => true,
      open: (picture) => !this.mine(picture),
      proposed: (picture) => picture.score?.proposal === "reject",
      rejected: (picture) => this.mine(picture)?.decision === "reject",
      disputed: (picture) => this.disputed(picture),
    }[filter];
    return this.dataset.pictures.filter(fits);
  }

  /** How far this reviewer is, and how far they agree with the proposals. */
  progress() {
    const pictures = this.dataset.pictures;
    const judged = pictures.filter((picture) => this.mine(picture));
    const compared = judged.filter((picture) => picture.score);
    const agreed = compared.filter((picture) => !this.disputed(picture)).length;
    const agreement = compared.length
      ? `, ${agreed} of ${compared.length} as proposed (${Math.round((100 * agreed) / compared.length)} %)`
      : "";
    return `${judged.length} of ${pictures.length} judged${agreement}`;
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  /** Says something of a picture; it is on the server's disk when this is over. */
  async say(picture, decision, cause = "") {
    const before = await this.#send(picture, decision, cause);
    this.#undo.push({ picture, before });
  }

  /** Takes the last word back, and returns the picture that it was about. */
  async undo() {
    const last = this.#undo.at(-1);
    if (!last) return undefined;
    const { decision, cause } = last.before ?? { decision: "withdrawn", cause: "" };
    await this.#send(last.picture, decision, cause);
    this.#undo.pop();
    return last.picture;
  }

  /** One after the other: the journal's order is that of the keys. Gives what was said before. */
  #send(picture, decision, cause) {
    const sending = this.#sent.then(() => this.#post(picture, decision, cause));
    this.#sent = sending.catch(() => {});
    return sending;
  }

  async #post(picture, decision, cause) {
    const said = { file_name: picture.file_name, reviewer: this.reviewer, decision, cause };
    const before = this.mine(picture);
    const answer = await fetch("opinions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(said),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    picture.opinions = told;
    return before;
  }
}
