/** Which item of a list became which: so that one that goes or comes leaves the others alone. */
import { isObject } from './document_source';
import type { Json } from './edits';

/** Pairs `[old place, new place]`, both ascending. `isNew` tells values that are in no case an old one. */
export function aligned(
  old: readonly Json[],
  wanted: readonly Json[],
  isNew: (value: Json) => boolean
): [number, number][] {
  const places = new Map<string, number[]>();
  old.forEach((value, place) => {
    const key = keyOf(value);
    places.set(key, [...(places.get(key) ?? []), place]);
  });
  const pairs: [number, number][] = [];
  let [from, start] = [0, 0];
  wanted.forEach((value, number) => {
    const place = isNew(value) ? undefined : places.get(keyOf(value))?.find(one => one >= from);
    if (place !== undefined) {
      pairs.push(...within(old, wanted, [from, place], [start, number], isNew), [place, number]);
      [from, start] = [place + 1, number + 1];
    }
  });
  return [...pairs, ...within(old, wanted, [from, old.length], [start, wanted.length], isNew)];
}

/** What stands between two that are the same is paired in order: it was renamed or replaced. */
function within(
  old: readonly Json[],
  wanted: readonly Json[],
  [from, to]: [number, number],
  [start, end]: [number, number],
  isNew: (value: Json) => boolean
): [number, number][] {
  const free = Array.from({ length: end - start }, (_, place) => start + place).filter(
    one => !isNew(wanted[one])
  );
  return free
    .slice(0, to - from)
    .map((number, place): [number, number] => [from + place, number])
    .filter(([place, number]) => isObject(old[place]) === isObject(wanted[number]));
}

function keyOf(value: Json): string {
  return isObject(value) && typeof value.name === 'string' ? `name ${value.name}` : JSON.stringify(value);
}
