import { describe, expect, it } from 'vitest';

import { readDocument, readSource } from './document';
import { mentionsIn, renameMentions } from './document_expressions';
import { freeName, isTaskName, suggestTaskName } from './document_names';
import { Source } from './document_source';
import { randomFrom, randomText } from './fixtures/random';
import scalars from './fixtures/scalars.json';

const codes = (text: string) => readDocument(text).problems.map(problem => problem.code);

describe('scalars', () => {
  it.each(scalars)('$written is what the server reads', ({ written, value }) => {
    const { data } = new Source(`key: ${written}\n`);
    const wanted =
      value !== null && typeof value === 'object' ? Number(value.float.replace('inf', 'Infinity')) : value;
    expect(data).toEqual({ key: wanted });
  });
});

describe('the graph', () => {
  it('has dependencies in the order of the server: explicit, inputs, expressions', () => {
    const text =
      'name: p\ntasks:\n- name: z\n  command: echo ${{ tasks.c.outputs.x }} $${{ tasks.no }}\n' +
      '  environment: {envs: {A: "${{ tasks[\'my d\'].outputs.y }}"}}\n  inputs: {i: b.out}\n  dependencies: [a, nowhere]\n' +
      '- {name: a}\n- {name: b}\n- {name: c}\n- {name: my d}\n';
    const [task] = readDocument(text).graph!.tasks;
    expect(task.dependencies).toEqual(['a', 'b', 'c', 'my d']);
    expect(task.implied).toEqual(['b', 'c', 'my d']);
    expect(text.slice(task.from, task.to)).toMatch(/^- name: z[^]*nowhere\]$/);
  });

  it('has what a condition mentions behind inputs, each of which may be one of several', () => {
    const text =
      'name: p\ntasks:\n- name: z\n  command: echo ${{ tasks.e.outputs.x }}\n' +
      '  when: "${{ tasks.d.outputs.n > 1 }}"\n  run_if: one_success\n' +
      '  inputs: {i: b.out | a.out, j: {from: c.m, type: Model}}\n' +
      '- {name: a}\n- {name: b}\n- {name: c}\n- {name: d}\n- {name: e, final: true, run_if: all_done}\n';
    const [task, , , , , last] = readDocument(text).graph!.tasks;
    expect(task.dependencies).toEqual(['b', 'a', 'c', 'd', 'e']);
    expect(task.implied).toEqual(task.dependencies);
    expect(task.rules).toEqual({ when: 'tasks.d.outputs.n > 1', runIf: 'one_success', isFinal: false });
    expect(last.rules).toEqual({ when: '', runIf: '', isFinal: true });
  });

  it('has the tasks that parameters of a notebook mention, however deep, and not those of its unused command', () => {
    const text =
      'name: p\ntasks:\n- name: z\n  type: notebook\n  notebook: r.ipynb\n  command: echo ${{ tasks.c.outputs.x }}\n' +
      '  parameters:\n    x: [1, {y: "${{ tasks.b.outputs.v }}"}]\n- {name: b}\n- {name: c}\n';
    const [task, other] = readDocument(text).graph!.tasks;
    expect([task.type, task.dependencies]).toEqual(['notebook', ['b']]);
    expect(other.type).toBe('shell');
  });

  it('has what a card shows', () => {
    const image = 'cr.backend.ai/cloud/ngc-pytorch:24.09-pytorch2.5';
    const text = `name: p\ntasks:\n- {name: a, environment: {image: "${image}"}, resources: {cpu: 4, mem: 16g, cuda.shares: '5'}, skip: true}\nx-canvas: {positions: {a: [1, 2]}, remarks: {r: {text: hi, at: [3, 4]}}}\n`;
    const graph = readDocument(text).graph!;
    expect(graph.tasks[0]).toMatchObject({
      image: 'ngc-pytorch:24.09',
      resources: ['4 cpu', '16g', '5 gpu'],
      skip: true
    });
    expect(graph.tasks[0].position).toEqual({ x: 1, y: 2 });
    expect(graph.remarks).toEqual([{ id: 'r', text: 'hi', position: { x: 3, y: 4 } }]);
  });

  it('is the same whether the text is read in parts or whole', () => {
    for (let seed = 0; seed < 60; seed += 1) {
      const text = randomText(randomFrom(seed));
      const whole = readDocument(`%YAML 1.2\n---\n${text.replace(/^\ufeff/, '')}`);
      const parts = readDocument(text);
      const names = (reading: typeof whole) =>
        reading.graph?.tasks.map(task => [task.name, task.dependencies, task.resources]);
      expect(names(parts), text).toEqual(names(whole));
    }
  });

  it('reads again what changed, and nothing else', () => {
    const text = 'name: p\ntasks:\n- name: a\n- name: b\n';
    const first = readSource(text);
    const second = readSource(text.replace('b', 'c'), undefined, first.source.parts);
    expect(second.source.tasks[0].part).toBe(first.source.tasks[0].part);
    expect(second.reading.graph!.tasks.map(task => task.name)).toEqual(['a', 'c']);
  });
});

describe('problems', () => {
  const head = 'name: p\ntasks:\n';
  it.each([
    ['', ['empty', 'missing-key'].slice(0, 1)],
    ['- a\n', ['not-a-mapping']],
    ['tasks:\n- {name: a}\n', ['missing-key']],
    ['name: p\n', ['missing-key']],
    ['name: p\ntasks: []\n', ['no-tasks']],
    [`${head}- {command: x}\n`, ['missing-key']],
    [`${head}- x\n`, ['wrong-type']],
    [`${head}- {name: a}\n- {name: a}\n`, ['duplicate-task']],
    [`${head}- {name: a/b}\n`, ['bad-task-name']],
    [`${head}- {name: a, dependencies: [a]}\n`, ['self-dependency']],
    [`${head}- {name: a, dependencies: [b]}\n`, ['unknown-task']],
    [`${head}- {name: a, dependencies: [b, b]}\n- {name: b}\n`, ['duplicate-dependency']],
    [`${head}- {name: a, dependencies: [b]}\n- {name: b, dependencies: [a]}\n`, ['cycle']],
    [`${head}- {name: a, skip: 1, skip: 2}\n`, ['duplicate-key']],
    ['name: p\nname: q\ntasks: [{name: a}]\n', ['duplicate-key']],
    ['name: [\n', ['syntax', 'syntax']]
  ])('in %j', (text, found) => {
    expect([...new Set(codes(text))]).toEqual([...new Set(found)]);
  });

  it('have places that a person can be led to', () => {
    const text = 'name: p\ntasks:\n- name: 학습\n  dependencies: [prep]\n';
    const [problem] = readDocument(text).problems;
    expect(problem).toMatchObject({
      line: 4,
      column: 18,
      task: '학습',
      path: ['tasks', 0, 'dependencies', 0]
    });
    expect(text.slice(problem.from, problem.to)).toBe('prep');
  });
});

describe('any text at all', () => {
  it('never raises', () => {
    const random = randomFrom(7);
    const signs = [
      ...'{}[]:,-#&*!|>\'"%@`?\n\n  \t\r\ufeff\u0000\ud800aé😀0',
      'tasks:\n',
      '- name: a\n',
      '---\n',
      '<<: *a\n',
      '&a '
    ];
    for (let round = 0; round < 400; round += 1) {
      const text = Array.from({ length: 30 }, () => signs[Math.floor(random() * signs.length)]).join('');
      expect(() => readDocument(text), JSON.stringify(text)).not.toThrow();
    }
  });

  it('is refused quickly where it is too large, too deep or endless', () => {
    expect(codes('x'.repeat(10 << 20))).toEqual(['too-large-to-draw']);
    expect(readDocument(`name: ${'['.repeat(20000)}`).isBroken).toBe(true);
    expect(codes('a: &x [*x]\n')).toEqual(['syntax']);
    const laughs = Array.from(
      { length: 12 },
      (_, level) => `l${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`
    );
    expect(readDocument(['l: &a-1 x', ...laughs].join('\n')).isBroken).toBe(true);
  });
});

describe('names', () => {
  it('are letters of any script, digits, space, _ and -', () => {
    expect(['a', '학습 1', 'क्षि', 'a_b-c'].every(isTaskName)).toBe(true);
    expect(['', ' a', 'a.b', 'a/b', 'x'.repeat(65), 'a\n'].some(isTaskName)).toBe(false);
    expect(suggestTaskName('a.b//c!')).toBe('a-b-c');
    expect(freeName('a-2', new Set(['a-2', 'a-3']))).toBe('a-4');
  });
});

describe('mentions', () => {
  it('are found as the server finds them, and renamed', () => {
    const text = "x ${{ tasks.a-b.outputs.c + tasks['d e'].outputs.f }} $${{ tasks.g }} ${{ params.tasks }}";
    expect(mentionsIn(text).map(one => one.task)).toEqual(['a-b', 'd e']);
    expect(renameMentions('${{ tasks.a.outputs.x }}', new Map([['a', 'b c']]))).toBe(
      "${{ tasks['b c'].outputs.x }}"
    );
    expect(mentionsIn('${{ tasks.a.x')).toEqual([]);
  });
});

describe('loops and groups', () => {
  it('are cards that tell what is inside and wait for what is needed there', () => {
    const { graph, problems } = readDocument(
      'name: p\ntasks:\n- {name: prep, command: a}\n- {name: base, command: a}\n' +
        '- name: sweep\n  for_each: {item: [1, 2, 3]}\n  tasks:\n' +
        '  - {name: train, inputs: {data: prep.data}, command: a}\n' +
        '  - {name: base, dependencies: [train], command: a}\n  - {name: test, dependencies: [base], command: a}\n' +
        '- {name: each, for_each: {item: "${{ tasks.base.outputs.files }}"}, command: a}\n'
    );
    expect(problems).toEqual([]);
    const [, , sweep, each] = graph?.tasks ?? [];
    expect(sweep).toMatchObject({ type: 'loop', dependencies: ['prep'], implied: ['prep'] });
    expect(sweep.resources).toEqual(['3 ×', '{train, base, test}']);
    expect(each).toMatchObject({ type: 'loop', dependencies: ['base'], resources: ['n ×'] });
  });
});
