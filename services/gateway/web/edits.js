// Edits of the memory: the call, then what the page knows.

import * as api from "./api.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const put = (call) =>
  store.editing(async () => {
    const concept = await call();
    store.put(concept);
    return concept;
  });

/** Remembers `{display_name, category?, description?}` by `[{photo, box}]`. */
export const remember = (words, shots) => put(async () => api.remember(words, await views(shots)));

export const addViews = (id, shots) => put(async () => api.addViews(id, await views(shots)));
export const update = (id, changes) => put(() => api.updateConcept(id, changes));
export const removeView = (id, view) => put(() => api.removeView(id, view));
export const unforget = (id) => put(() => api.unforget(id));

/** Keeps that a region is not the concept; gives the id of the view that says so. */
export async function reject(id, photo, box) {
  const before = new Set(store.get(id)?.views?.map((view) => view.name));
  const concept = await put(() => api.reject(id, photo, box));
  const added = concept.views.find((view) => view.negative && !before.has(view.name));
  return added && api.idOf(added.name);
}

/** Forgets a concept at once, and offers to bring it back. */
export async function forget(concept) {
  const id = api.idOf(concept.name);
  await store.editing(async () => {
    await api.forget(id);
    store.drop(id);
  });
  toast(`${concept.display_name} is forgotten.`, {
    focus: true,
    actions: [
      [
        "Undo",
        async () => {
          await unforget(id);
          toast(`${concept.display_name} is back.`);
        },
      ],
    ],
  });
}

const views = (shots) => Promise.all(shots.map(({ photo, box }) => api.newView(photo, box)));
