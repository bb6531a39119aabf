/** What jsdom lacks and JupyterLab's modules touch when they are imported. */
class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.assign(globalThis, {
  ResizeObserver: Observer,
  IntersectionObserver: Observer,
  DragEvent: class extends Event {},
  requestIdleCallback: (work: () => void) => setTimeout(work, 0),
  cancelIdleCallback: (handle: number) => clearTimeout(handle)
});
window.matchMedia ??= (media: string) =>
  ({ matches: false, media, addEventListener: () => {}, removeEventListener: () => {} }) as unknown as MediaQueryList;
