/** How wide an element is: charts are drawn in pixels. */
import * as React from 'react';

/** A reference for the element, and its width now and after each change. */
export function useWidth(): [React.RefObject<HTMLElement>, number] {
  const box = React.useRef<HTMLElement>(null);
  const [width, setWidth] = React.useState(320);
  React.useLayoutEffect(() => {
    const element = box.current;
    const look = (): void => setWidth(now => element?.clientWidth || now);
    const observer = new ResizeObserver(look);
    if (element) {
      look();
      observer.observe(element);
    }
    return () => observer.disconnect();
  }, []);
  return [box, width];
}
