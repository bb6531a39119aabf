/**
 * Text on a canvas: fitted to a width, and remembered, since measuring is what costs.
 */
type Measure = (text: string) => number;

/** `text` if it fits in `width`, else its beginning and end around an ellipsis. */
export function middleEllipsis(text: string, width: number, measure: Measure): string {
  return shortened(text, width, measure, kept => [Math.ceil(kept / 2), Math.floor(kept / 2)]);
}

/** `text` if it fits in `width`, else its beginning and an ellipsis. */
export function endEllipsis(text: string, width: number, measure: Measure): string {
  return shortened(text, width, measure, kept => [kept, 0]);
}

function shortened(
  text: string,
  width: number,
  measure: Measure,
  split: (kept: number) => [number, number]
): string {
  if (measure(text) <= width) {
    return text;
  }
  const letters = Array.from(text);
  const cut = (kept: number) => {
    const [head, tail] = split(kept);
    return `${letters.slice(0, head).join('')}…${letters.slice(letters.length - tail).join('')}`;
  };
  let [least, most] = [0, Math.min(letters.length, 400)];
  while (least < most) {
    const kept = Math.ceil((least + most) / 2);
    if (measure(cut(kept)) <= width) {
      least = kept;
    } else {
      most = kept - 1;
    }
  }
  return cut(least);
}

/** Fitted texts by font, width and words; emptied when it grows beyond what a screen can show. */
export class TextFitter {
  private readonly known = new Map<string, string>();

  /** `text` fitted to `width` in the font that `context` has now, which is named by `font`. */
  fit(
    context: CanvasRenderingContext2D,
    font: string,
    text: string,
    width: number,
    isMiddle = false
  ): string {
    const key = `${font}|${width}|${isMiddle}|${text}`;
    const found = this.known.get(key);
    if (found !== undefined) {
      return found;
    }
    if (this.known.size > 20000) {
      this.known.clear();
    }
    const measure: Measure = words => context.measureText(words).width;
    const fitted = isMiddle ? middleEllipsis(text, width, measure) : endEllipsis(text, width, measure);
    this.known.set(key, fitted);
    return fitted;
  }

  /** Forget all, since fonts changed. */
  clear(): void {
    this.known.clear();
  }
}
