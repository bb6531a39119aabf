import { CodeEditor } from '@jupyterlab/codeeditor';
import { type CodeMirrorEditor, CodeMirrorEditorFactory } from '@jupyterlab/codemirror';
import { forEachDiagnostic } from '@codemirror/lint';
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { PipelineModel } from './model';
import { YamlPane } from './yaml_pane';

// jsdom lays nothing out
Range.prototype.getClientRects ??= () => [] as unknown as DOMRectList;
Range.prototype.getBoundingClientRect ??= () => new DOMRect();

const TEXT = 'name: p\ntasks:\n- name: a\n- name: b\n  dependencies: [z]\n';

function made(): { pane: YamlPane; model: PipelineModel; document: CodeEditor.Model } {
  const document = new CodeEditor.Model();
  document.sharedModel.setSource(TEXT);
  const model = new PipelineModel({ source: document.sharedModel });
  const factory = new CodeMirrorEditorFactory().newDocumentEditor;
  return {
    pane: new YamlPane({ model, document, factory, trans: nullTranslator.load('x') }),
    model,
    document
  };
}

describe('the YAML pane', () => {
  it('underlines problems where they stand', () => {
    const { pane } = made();
    const found: [number, number, string][] = [];
    forEachDiagnostic((pane.editor as CodeMirrorEditor).state, (one, from, to) =>
      found.push([from, to, one.message])
    );
    expect(found).toHaveLength(1);
    expect(TEXT.slice(found[0][0], found[0][1])).toBe('z');
    expect(found[0][2]).toContain('no task');
  });

  it('goes to the task that is selected elsewhere', () => {
    const { pane, model } = made();
    model.select(['b']);
    expect(pane.editor.getOffsetAt(pane.editor.getCursorPosition())).toBe(TEXT.indexOf('- name: b'));
  });

  it('reveals a place, and disposes of no model', () => {
    const { pane, model } = made();
    pane.reveal(0, 4);
    expect(pane.editor.getSelection().end).toEqual({ line: 0, column: 4 });
    pane.dispose();
    expect(model.isDisposed).toBe(false);
  });
});
