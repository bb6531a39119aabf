/** Pipeline texts to read: one as it was, or what another has instead, what is alike folded away. */
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { jupyterTheme, type IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import * as React from 'react';

/** A text of YAML in JupyterLab's colours. */
export function YamlText(props: {
  text: string;
  label: string;
  languages: IEditorLanguageRegistry;
}): JSX.Element {
  const host = useEditor(props.text, props.label, props.languages, []);
  return <div ref={host} className="ft-Differences" />;
}

/** What only `left` has is struck out above what `right` has instead. */
export function Differences(props: {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
  languages: IEditorLanguageRegistry;
}): JSX.Element {
  const { left, right, leftLabel, rightLabel } = props;
  const extra = React.useMemo(
    () => [
      unifiedMergeView({
        original: left,
        mergeControls: false,
        collapseUnchanged: { margin: 3, minSize: 6 }
      })
    ],
    [left]
  );
  const host = useEditor(right, `${leftLabel} → ${rightLabel}`, props.languages, extra);
  return (
    <>
      <p className="ft-TaskPanel-hint">
        − {leftLabel} · + {rightLabel}
      </p>
      <div ref={host} className="ft-Differences" />
    </>
  );
}

const NOTHING: Extension[] = [];

/** An editor of `text` that nobody can write in, in the element that gets the reference. */
function useEditor(
  text: string,
  label: string,
  languages: IEditorLanguageRegistry,
  extra: Extension[]
): React.RefObject<HTMLDivElement> {
  const host = React.useRef<HTMLDivElement>(null);
  const more = extra.length > 0 ? extra : NOTHING;
  React.useEffect(() => {
    let view: EditorView | null = null;
    let isWanted = true;
    const show = (language: Extension): void => {
      if (host.current && isWanted) {
        const extensions = [
          lineNumbers(),
          jupyterTheme,
          language,
          EditorState.readOnly.of(true),
          EditorView.editable.of(false),
          EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': label }),
          more
        ];
        view = new EditorView({ doc: text, extensions, parent: host.current });
      }
    };
    languages.getLanguage('yaml').then(
      found => show(found?.support ?? []),
      () => show([]) // without colours, then
    );
    return () => {
      isWanted = false;
      view?.destroy();
    };
  }, [text, label, languages, more]);
  return host;
}
