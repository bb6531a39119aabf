/**
 * Which tasks the `${{ … }}` of a text mention, and where. The tokens are those of the server's own lexer
 * (`model/expressions/syntax.py`); what they mean together is left to it.
 */

/** One mention of a task: its name as written stands at `from … to` of the text. */
export interface Mention {
  task: string;
  from: number;
  to: number;
  /** Whether it is written `tasks.name`; else `tasks['name']`. */
  isPlain: boolean;
}

const TOKEN =
  /\s*(?:(?<end>\}\})|(?<number>(?:\d+\.\d+|\d+)(?:[eE][+-]?\d+)?)|(?<string>'(?:[^']|'')*'|"(?:[^"\\]|\\[^])*")|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<operator>==|!=|<=|>=|&&|\|\||[-<>!+*/%()[\].,]))/uy;
const TASK = /\s*([\p{L}\p{N}_-]+)/uy;
const PLAIN = /^[\p{L}\p{N}_-]+$/u;

/** Every mention of a task in `text`, in order; an expression that cannot be read mentions none. */
export function mentionsIn(text: string): Mention[] {
  const found: Mention[] = [];
  let start = text.indexOf('${{');
  while (start >= 0) {
    if (text[start - 1] === '$') {
      start = text.indexOf('${{', start + 3);
      continue;
    }
    const own = readExpression(text, start + 3);
    if (!own) {
      return []; // as the server: a text with an expression that cannot be read adds no dependency
    }
    found.push(...own.mentions);
    start = text.indexOf('${{', own.end);
  }
  return found;
}

/** `text` with each mention of a task in `names` renamed. */
export function renameMentions(text: string, names: ReadonlyMap<string, string>): string {
  let result = '';
  let position = 0;
  for (const { task, from, to, isPlain } of mentionsIn(text)) {
    const name = names.get(task);
    if (name === undefined) {
      continue;
    }
    // tasks.a-b becomes tasks['a b']: the dot before it goes
    const dot = text.lastIndexOf('.', from);
    result +=
      isPlain && !PLAIN.test(name)
        ? `${text.slice(position, dot)}['${name}']`
        : text.slice(position, from) + name;
    position = to;
  }
  return result + text.slice(position);
}

function readExpression(text: string, start: number): { mentions: Mention[]; end: number } | null {
  const mentions: Mention[] = [];
  const words: string[] = [];
  let position = start;
  for (;;) {
    const isTask =
      words[words.length - 1] === '.' &&
      words[words.length - 2] === 'tasks' &&
      words[words.length - 3] !== '.';
    TASK.lastIndex = position;
    const task = isTask ? TASK.exec(text) : null;
    if (task) {
      position = TASK.lastIndex;
      mentions.push({ task: task[1], from: position - task[1].length, to: position, isPlain: true });
      words.push(task[1]);
      continue;
    }
    TOKEN.lastIndex = position;
    const token = TOKEN.exec(text);
    if (!token?.groups) {
      return null;
    }
    position = TOKEN.lastIndex;
    if (token.groups.end) {
      return words.length ? { mentions, end: position } : null;
    }
    const { string } = token.groups;
    const isKey =
      words[words.length - 1] === '[' &&
      words[words.length - 2] === 'tasks' &&
      words[words.length - 3] !== '.';
    if (string && isKey) {
      mentions.push({
        task: unquoted(string),
        from: position - string.length + 1,
        to: position - 1,
        isPlain: false
      });
    }
    words.push(string ? '"' : token[0].trim());
  }
}

function unquoted(text: string): string {
  return text[0] === "'" ? text.slice(1, -1).replace(/''/g, "'") : text.slice(1, -1);
}
