import { describe, expect, it } from 'vitest';

import { readDocument } from './document';
import { applyEdit, EditRefused, type Edit } from './edits';
import { applyChanges, composed, diffChange } from './edits_changes';
import cases from './fixtures/edits.json';

interface Case {
  name: string;
  edit: Edit & { removes?: boolean };
  before: string;
  after: string;
}

describe('an edit', () => {
  it.each(cases as unknown as Case[])('$edit.kind in $name', ({ edit, before, after }) => {
    const meant = edit.removes ? ({ ...edit, value: undefined } as Edit) : edit;
    const { changes } = applyEdit(before, meant);
    expect(applyChanges(before, changes)).toBe(after);
    expect(readDocument(after).isBroken).toBe(false);
  });

  const chain = 'name: p\ntasks:\n- name: a\n- name: b\n  dependencies: [a]\n- name: c\n  inputs: {x: b.y}\n';
  const refusals: [Edit, RegExp, RegExp][] = [
    [{ kind: 'connect', from: 'b', to: 'a' }, /a → b → a/, /first/],
    [{ kind: 'connect', from: 'c', to: 'a' }, /a → b → c → a|a → c → b → a/, /first/],
    [{ kind: 'connect', from: 'a', to: 'a' }, /a → a/, /first/],
    [{ kind: 'connect', from: 'a', to: 'z' }, /no task 'z'/, /renamed/],
    [{ kind: 'disconnect', from: 'b', to: 'c' }, /uses an output/, /input/],
    [{ kind: 'rename-task', name: 'a', to: 'b' }, /'b' already/, /'b-2'/],
    [{ kind: 'rename-task', name: 'a', to: 'a/b.c' }, /may not be named/, /'a-b-c'/],
    [{ kind: 'rename-task', name: 'a', to: '' }, /may not be named/, /train/],
    [{ kind: 'rename-task', name: 'a', to: 'x'.repeat(65) }, /may not be named/, /shorten/],
    [{ kind: 'add-tasks', tasks: [{ command: 'x' }] }, /needs a name/, /train/],
    [{ kind: 'paste', text: 'just words' }, /holds no tasks/, /list/],
    [{ kind: 'set-task', names: ['a'], path: ['name'], value: undefined }, /may not be named/, /train/]
  ];
  it.each(refusals)('is refused in words: %j', (edit, message, hint) => {
    const refusal = (() => {
      try {
        applyEdit(chain, edit);
      } catch (error) {
        return error as EditRefused;
      }
      return null;
    })();
    expect(refusal).toBeInstanceOf(EditRefused);
    expect(refusal!.message).toMatch(message);
    expect(refusal!.hint).toMatch(hint);
  });

  it('is refused while the text cannot be read', () => {
    expect(() => applyEdit('tasks: [', { kind: 'remove-tasks', names: [] })).toThrow(/cannot be read/);
  });

  it('is refused where an anchor is used elsewhere', () => {
    const text = 'name: p\ntasks:\n- name: a\n  environment: &e {image: x}\n- name: b\n  environment: *e\n';
    const edit: Edit = { kind: 'set-task', names: ['a'], path: ['environment', 'image'], value: 'y' };
    expect(() => applyEdit(text, edit)).toThrow(/shared/);
  });

  it('keeps the line breaks of a folded command', () => {
    const text =
      'name: p\ntasks:\n- name: a\n- name: b\n  command: >-\n    x ${{ tasks.a.outputs.o }}\n    --long y\n';
    const { changes } = applyEdit(text, { kind: 'rename-task', name: 'a', to: 'new one' });
    expect(applyChanges(text, changes)).toContain("    x ${{ tasks['new one'].outputs.o }}\n    --long y\n");
  });

  it('follows into the parameters of a notebook', () => {
    const text =
      'name: p\ntasks:\n- name: a\n- name: b\n  type: notebook\n  parameters: {x: [1, "${{ tasks.a.outputs.o }}"]}\n';
    const { changes } = applyEdit(text, { kind: 'rename-task', name: 'a', to: 'c' });
    expect(applyChanges(text, changes)).toContain('parameters: {x: [1, "${{ tasks.c.outputs.o }}"]}');
  });

  it('follows into conditions and into every source of an input', () => {
    const text =
      'name: p\ntasks:\n- name: a\n- name: b\n  when: ${{ tasks.a.outputs.n > 1 }}\n' +
      '  inputs: {x: z.y | a.y, m: {from: a.m, type: Model}}\n';
    const { changes } = applyEdit(text, { kind: 'rename-task', name: 'a', to: 'c' });
    const renamed = applyChanges(text, changes);
    expect(renamed).toContain('when: ${{ tasks.c.outputs.n > 1 }}\n');
    expect(renamed).toContain('inputs: {x: z.y | c.y, m: {from: c.m, type: Model}}\n');
  });

  it('lets nothing but a final task depend on a final one', () => {
    const text = 'name: p\ntasks:\n- {name: a}\n- {name: end, final: true}\n- {name: last, final: true}\n';
    expect(() => applyEdit(text, { kind: 'connect', from: 'end', to: 'a' })).toThrow(/'end' is final/);
    expect(applyEdit(text, { kind: 'connect', from: 'end', to: 'last' }).changes).not.toEqual([]);
    expect(applyEdit(text, { kind: 'connect', from: 'a', to: 'end' }).changes).not.toEqual([]);
  });

  it('changes nothing where nothing differs', () => {
    expect(applyEdit(chain, { kind: 'connect', from: 'a', to: 'b' }).changes).toEqual([]);
    expect(applyEdit(chain, { kind: 'rename-task', name: 'a', to: 'a' }).changes).toEqual([]);
  });
});

describe('changes', () => {
  it('are as small as can be, and part no character', () => {
    expect(diffChange('abc', 'axc')).toEqual({ from: 1, to: 2, insert: 'x' });
    expect(diffChange('😀', '😁')).toEqual({ from: 0, to: 2, insert: '😁' });
    expect(diffChange('aa', 'aaa')).toEqual({ from: 2, to: 2, insert: 'a' });
  });

  it('are put together', () => {
    const [first, second] = [[{ from: 1, to: 2, insert: 'XYZ' }], [{ from: 0, to: 3, insert: 'q' }]];
    const text = 'abc';
    const both = composed(3, first, second);
    expect(applyChanges(text, both)).toBe(applyChanges(applyChanges(text, first), second));
  });
});

describe('renaming', () => {
  it('reaches into loops and groups, except where a task inside has the same name', () => {
    const text =
      'name: p\ntasks:\n- {name: a, command: x}\n- name: sweep\n  for_each: {item: "${{ tasks.a.outputs.l }}"}\n' +
      '  parameters: {n: "${{ tasks.a.outputs.n }}"}\n  tasks:\n  # kept\n' +
      '  - {name: t, inputs: {d: a.d}, command: y}\n' +
      '- name: other\n  tasks:\n  - {name: a, command: x}\n  - {name: t, inputs: {d: a.d}, command: y}\n';
    const { changes } = applyEdit(text, { kind: 'rename-task', name: 'a', to: 'prep' });
    const [before, after] = text.split('- name: other');
    const wanted = before
      .replace('{name: a,', '{name: prep,')
      .replaceAll('tasks.a.', 'tasks.prep.')
      .replace('d: a.d', 'd: prep.d');
    expect(applyChanges(text, changes)).toBe(`${wanted}- name: other${after}`);
  });
});
