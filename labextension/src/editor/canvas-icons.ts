/**
 * Icons of task types, as 16 × 16 outlines drawn with a line of 1.5; one shape each, so that a type is known without
 * reading. Types that have none get a plain square with a dot.
 */
const OUTLINES: Readonly<Record<string, string>> = {
  shell: 'M1.5 2.5h13v11h-13z M4.5 6l2.5 2-2.5 2 M8.5 10.5h3',
  script: 'M3.5 1.5h6l3 3v10h-9z M9.5 1.5v3h3 M5.5 8h5 M5.5 11h5',
  python: 'M3.5 1.5h6l3 3v10h-9z M9.5 1.5v3h3 M7 7.5l-2 2 2 2 M9.5 7.5l2 2-2 2',
  notebook: 'M3.5 1.5h10v13h-10z M6.5 1.5v13 M1.5 4.5h2 M1.5 8h2 M1.5 11.5h2 M9 5h2',
  git: 'M5 3a1.5 1.5 0 1 1-3 0a1.5 1.5 0 1 1 3 0 M5 13a1.5 1.5 0 1 1-3 0a1.5 1.5 0 1 1 3 0 M14 6a1.5 1.5 0 1 1-3 0a1.5 1.5 0 1 1 3 0 M3.5 4.5v7 M12.5 7.5c0 3-9 1-9 4',
  container: 'M8 1.5l6 3v7l-6 3-6-3v-7z M2 4.5l6 3 6-3 M8 7.5v7',
  serving: 'M1.5 2.5h13v4h-13z M1.5 9.5h13v4h-13z M4 4.5h.5 M4 11.5h.5 M8 4.5h4 M8 11.5h4',
  pipeline: 'M1.5 6h4v4h-4z M10.5 1.5h4v4h-4z M10.5 10.5h4v4h-4z M5.5 8h2.5v-4.5h2.5 M8 8v4.5h2.5',
  condition: 'M8 1.5l6.5 6.5-6.5 6.5-6.5-6.5z M6.5 6.5a1.5 1.5 0 1 1 2 1.5v1 M8.3 11h.2',
  loop: 'M13.5 8a5.5 5.5 0 1 1-2-4.2 M11.8 1v3h-3'
};

const OTHER = 'M2.5 2.5h11v11h-11z M7 8a1 1 0 1 0 2 0a1 1 0 1 0-2 0';

/** Icons as paths, each made once. */
export class TypeIcons {
  private readonly paths = new Map<string, Path2D>();

  /** The outline for tasks of `type`. */
  of(type: string): Path2D {
    const made = this.paths.get(type);
    if (made !== undefined) {
      return made;
    }
    const path = new Path2D(Object.hasOwn(OUTLINES, type) ? OUTLINES[type] : OTHER);
    this.paths.set(type, path);
    return path;
  }
}
