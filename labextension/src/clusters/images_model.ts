/** Images of a cluster as they are looked for and shown. Pure. */
import type { ClusterImage } from '../generated';

/** The short name of an image, which tells most, and where it comes from: of `host/project/python:3`, `python:3`. */
export function nameParts(name: string): { short: string; from: string } {
  const at = name.lastIndexOf('/');
  return { short: name.slice(at + 1), from: at < 0 ? '' : name.slice(0, at) };
}

/** Families of accelerators that some image is made for, by name. */
export function familiesOf(images: readonly ClusterImage[]): string[] {
  const found = new Set(images.flatMap(each => each.accelerators));
  found.delete('*');
  return [...found].sort();
}

/** The images that have every word in name, alias, label, app or accelerator, and are made for `family` if one is named. */
export function chosen(
  images: readonly ClusterImage[],
  text: string,
  family: string | null
): readonly ClusterImage[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return images.filter(
    image =>
      (family === null || image.accelerators.includes(family)) &&
      words.every(each => textOf(image).includes(each))
  );
}

const LABELS: readonly string[] = ['ai.backend.base-distro', 'ai.backend.runtime-type'];

function textOf(image: ClusterImage): string {
  const labels = LABELS.map(label => image.labels?.[label] ?? '');
  const words = [image.name, ...image.aliases, ...labels, ...image.accelerators, ...image.apps];
  return words.join(' ').toLowerCase();
}

/** An accelerator's family as its makers write it; others in capitals. */
export function familyLabel(family: string): string {
  return family === 'rocm' ? 'ROCm' : family.toUpperCase();
}
