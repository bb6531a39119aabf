/** Long lists of rows of one height, of which only those in sight are drawn. */
import * as React from 'react';

/** Rows beyond the edge that are drawn all the same, so that scrolling shows no gaps. */
const BEYOND = 8;

/** Which rows to draw: from `first` up to, without, `last`. */
export interface Rows {
  first: number;
  last: number;
  /** How many fit into the box. */
  page: number;
  /** Look again where the box is scrolled to. */
  look(): void;
  /** Scroll so that a row is in sight. */
  show(index: number): void;
}

/** The rows of `count`, each `height` pixels, that are in sight in `box`; they begin `top` pixels below its upper edge. */
export function useRows(
  box: React.RefObject<HTMLElement>,
  count: number,
  height: number,
  top: number = 0
): Rows {
  const [[from, size], setSight] = React.useState<[number, number]>([0, 600]);
  const look = React.useCallback(() => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    setSight([scrollTop, clientHeight || 600]);
  }, [box]);
  React.useLayoutEffect(() => {
    const observer = new ResizeObserver(look);
    if (box.current) {
      look();
      observer.observe(box.current);
    }
    return () => observer.disconnect();
  }, [box, look]);
  const first = Math.max(0, Math.min(count, Math.floor((from - top) / height) - BEYOND));
  return {
    first,
    last: Math.min(count, Math.ceil((from - top + size) / height) + BEYOND),
    page: Math.max(1, Math.floor((size - top) / height) - 1),
    look,
    show: index => {
      const element = box.current;
      if (element) {
        const at = index * height;
        element.scrollTop = Math.min(
          at,
          Math.max(element.scrollTop, at + height + top - element.clientHeight)
        );
        look();
      }
    }
  };
}

/** Where a key leads from row `at` (-1: none yet); null where it is no key of a list, or there is no row. */
export function stepOf(key: string, at: number, count: number, page: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -Infinity,
    End: Infinity
  };
  if (!(key in steps) || count === 0) {
    return null;
  }
  return at < 0 ? 0 : Math.min(count - 1, Math.max(0, at + steps[key]));
}

/** A box of rows that the keyboard walks along. */
export interface Walk extends Rows {
  /** What the box's element needs. */
  box: React.HTMLAttributes<HTMLDivElement> & React.RefAttributes<HTMLDivElement>;
  /** What the element of a row needs; one of a table (`isFlowing`) stands where it is put. */
  row(index: number, isFlowing?: boolean): React.HTMLAttributes<HTMLElement>;
}

/** Arrows walk along rows named `ids`; Enter and a click open one. */
export function useWalk(of: {
  ids: readonly string[];
  height: number;
  top: number;
  onOpen(id: string): void;
  /** What another key does at a row: the row to go to, or null where it does nothing. */
  onKey?(key: string, id: string): string | null;
}): Walk {
  const { ids, height } = of;
  const box = React.useRef<HTMLDivElement>(null);
  const rows = useRows(box, ids.length, height, of.top);
  const [active, setActive] = React.useState<string | null>(null);
  const name = React.useId();
  const at = active === null ? -1 : ids.indexOf(active);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = event.target === box.current ? stepOf(event.key, at, ids.length, rows.page) : null;
    if (next !== null) {
      setActive(ids[next]);
      rows.show(next);
    } else if (event.key === 'Enter' && event.target === box.current && at >= 0) {
      of.onOpen(ids[at]);
    } else {
      const to = event.target === box.current && at >= 0 ? (of.onKey?.(event.key, ids[at]) ?? null) : null;
      if (to === null) {
        return;
      }
      setActive(to);
      rows.show(ids.indexOf(to));
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return {
    ...rows,
    box: {
      ref: box,
      tabIndex: 0,
      onKeyDown,
      onScroll: rows.look,
      'aria-activedescendant': at >= rows.first && at < rows.last ? `${name}-${at}` : undefined
    },
    row: (index, isFlowing = false) => ({
      id: `${name}-${index}`,
      'aria-selected': index === at,
      style: isFlowing ? { height } : { height, top: index * height },
      onClick: () => {
        setActive(ids[index]);
        of.onOpen(ids[index]);
      }
    })
  };
}
