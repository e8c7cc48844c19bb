// Rectangles {x1, y1, x2, y2} in pixels of a photo.

/** A box moved and cut so that it lies in a photo and has at least a few pixels. */
export function inside(box, photo) {
  const least = Math.min(8, photo.width, photo.height);
  const width = Math.min(Math.max(box.x2 - box.x1, least), photo.width);
  const height = Math.min(Math.max(box.y2 - box.y1, least), photo.height);
  const x1 = Math.min(Math.max(box.x1, 0), photo.width - width);
  const y1 = Math.min(Math.max(box.y1, 0), photo.height - height);
  return rounded({ x1, y1, x2: x1 + width, y2: y1 + height });
}

/** The box between two points, in either order. */
export function between(a, b) {
  return {
    x1: Math.min(a.x, b.x),
    y1: Math.min(a.y, b.y),
    x2: Math.max(a.x, b.x),
    y2: Math.max(a.y, b.y),
  };
}

/** Intersection over union, 0 to 1. */
export function overlap(a, b) {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  return shared / (area(a) + area(b) - shared);
}

export const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);

/** A box of the contract's JSON, which leaves zeros out, or an array of four. */
export function readBox(box) {
  if (!box) return null;
  if (Array.isArray(box)) return { x1: box[0], y1: box[1], x2: box[2], y2: box[3] };
  return { x1: 0, y1: 0, ...box };
}

/** Lays an element over its part of a photo, whatever size that is shown at. */
export function place(element, box, photo) {
  element.style.left = `${(100 * box.x1) / photo.width}%`;
  element.style.top = `${(100 * box.y1) / photo.height}%`;
  element.style.width = `${(100 * (box.x2 - box.x1)) / photo.width}%`;
  element.style.height = `${(100 * (box.y2 - box.y1)) / photo.height}%`;
}

const rounded = ({ x1, y1, x2, y2 }) => ({
  x1: Math.round(x1),
  y1: Math.round(y1),
  x2: Math.round(x2),
  y2: Math.round(y2),
});
