// What belongs to an object of the page and is not the page's.

const hidden = new WeakMap();

/** The hidden fields of an object, for as long as the object lives. */
export function fieldOf(object) {
  let fields = hidden.get(object);
  if (!fields) hidden.set(object, (fields = {}));
  return fields;
}
