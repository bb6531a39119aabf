/** A place that takes files: dropped from the desktop, or dragged from JupyterLab's file browser. */
import type { Drag } from '@lumino/dragdrop';
import * as React from 'react';

import type { ClusterContext } from './context';
import { CONTENTS_MIME, fromContents, fromDesktop } from './dropped';
import type { ToUpload } from './uploads';

const LUMINO = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'] as const;

/** See the head of this file; `path` is where in the vfolder they are to be. */
export function DropZone(props: {
  context: ClusterContext;
  path: string;
  onFiles(files: readonly ToUpload[]): void;
  onTrouble(error: unknown): void;
  children: React.ReactNode;
}): JSX.Element {
  const { context, path } = props;
  const [isOver, setOver] = React.useState(false);
  const box = React.useRef<HTMLDivElement>(null);
  const take = React.useRef<(found: Promise<ToUpload[]>) => void>(() => undefined);
  take.current = found => {
    setOver(false);
    found.then(props.onFiles, props.onTrouble);
  };
  React.useEffect(() => {
    const node = box.current;
    const hear = (event: Event): void =>
      onDrag(event as Drag.Event, setOver, paths =>
        take.current(fromContents(context.contents, paths, path, context.root()))
      );
    LUMINO.forEach(each => node?.addEventListener(each, hear));
    return () => LUMINO.forEach(each => node?.removeEventListener(each, hear));
  }, [path]);
  return (
    <div
      ref={box}
      className="ft-Cluster-files"
      data-over={isOver}
      onDragOver={event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }
      }}
      onDragLeave={event => {
        if (!box.current?.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      }}
      onDrop={event => {
        event.preventDefault();
        event.stopPropagation();
        take.current(fromDesktop(event.dataTransfer, path));
      }}
    >
      {props.children}
    </div>
  );
}

/** A drag within JupyterLab: taken if it is one of files, which the file browser only ever proposes to move. */
function onDrag(
  event: Drag.Event,
  setOver: (isOver: boolean) => void,
  take: (paths: string[]) => void
): void {
  if (!event.mimeData.hasData(CONTENTS_MIME)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  if (event.type === 'lm-dragleave') {
    setOver(false);
  } else if (event.type === 'lm-drop') {
    event.dropAction = event.proposedAction;
    take([...(event.mimeData.getData(CONTENTS_MIME) as string[])]);
  } else {
    event.dropAction = event.proposedAction;
    setOver(true);
  }
}
