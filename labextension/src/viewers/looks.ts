/** How curves that stand together are told apart: by colour, and by dashes for those who do not see colours. */

/** Colours there are; `style/viewers.css` has them for light and dark themes. */
export const COLOURS = 8;
const DASHES = ['', '7 3', '2 2.5', '9 3 2 3'];

/** How a curve is drawn. */
export interface Look {
  colour: string;
  /** Of the stroke; empty: it is solid. */
  dash: string;
}

/** The look of the `index`-th of several; `other` tells those apart that are of one colour. */
export function lookOf(index: number, other: number = index): Look {
  return { colour: `var(--ft-series-${index % COLOURS})`, dash: DASHES[other % DASHES.length] };
}
