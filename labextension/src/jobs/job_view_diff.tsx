/** Two texts side by side, what is alike folded away. */
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import * as React from 'react';

/** See the head of this file; what only `left` has is struck out above what `right` has instead. */
export function Differences(props: {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
}): JSX.Element {
  const host = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!host.current) {
      return;
    }
    const extensions = [
      lineNumbers(),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({
        tabindex: '0',
        'aria-label': `${props.leftLabel} → ${props.rightLabel}`
      }),
      unifiedMergeView({
        original: props.left,
        mergeControls: false,
        collapseUnchanged: { margin: 3, minSize: 6 }
      })
    ];
    const view = new EditorView({ doc: props.right, extensions, parent: host.current });
    return () => view.destroy();
  }, [props.left, props.right]);
  return (
    <>
      <p className="ft-TaskPanel-hint">
        − {props.leftLabel} · + {props.rightLabel}
      </p>
      <div ref={host} className="ft-Differences" />
    </>
  );
}
