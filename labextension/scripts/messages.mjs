/**
 * Print the texts that src/ gives to the translator: a JSON array of {file, line, context, text, plural}.
 *
 * TypeScript's own parser finds the calls, so that a call among the arguments of another one, in JSX or in a template
 * is found as well (Babel's lexer loses some). A text that is not one literal cannot be translated: an error, but for
 * the contexts `schema` and `settings`, whose texts translate.py takes from JSON files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Which arguments of the translator's methods are texts, in the order context, text, plural. */
const METHODS = {
  __: [null, 0, null],
  gettext: [null, 0, null],
  _n: [null, 0, 1],
  ngettext: [null, 0, 1],
  _p: [0, 1, null],
  pgettext: [0, 1, null],
  _np: [0, 1, 2],
  npgettext: [0, 1, 2]
};

const FROM_FILES = ['schema', 'settings'];

/** The messages of one file; `fail` is told of a call whose text is no literal. */
function messagesOf(file, fail) {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(ROOT, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true
  );
  const found = [];
  const take = (node, places) => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    const [context, text, plural] = places.map(at => (at === null ? null : literal(node.arguments[at])));
    if (![context, text, plural].includes(undefined)) {
      found.push({ file, line, context, text, plural });
    } else if (!FROM_FILES.includes(context)) {
      fail(`${file}:${line}: the text to translate is not one literal: ${node.getText()}`);
    }
  };
  const visit = node => {
    const places = ts.isCallExpression(node) ? placesOf(node.expression) : undefined;
    if (places) {
      take(node, places);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `trans.__`, `this.trans._n`, `core.trans._p` …: where its texts are; undefined for any other function. */
function placesOf(called) {
  if (!ts.isPropertyAccessExpression(called)) {
    return undefined;
  }
  const owner = called.expression;
  const name = ts.isIdentifier(owner)
    ? owner.text
    : ts.isPropertyAccessExpression(owner)
      ? owner.name.text
      : '';
  return name === 'trans' && Object.hasOwn(METHODS, called.name.text) ? METHODS[called.name.text] : undefined;
}

/** The text of a literal, also of one that is put together of several; else undefined. */
function literal(node) {
  if (node && ts.isStringLiteralLike(node)) {
    return node.text;
  }
  if (node && ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const parts = [literal(node.left), literal(node.right)];
    return parts.includes(undefined) ? undefined : parts.join('');
  }
  return undefined;
}

const files = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name))
  .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
  .sort();
const problems = [];
const messages = files.flatMap(file => messagesOf(file, problem => problems.push(problem)));
process.stdout.write(JSON.stringify(messages));
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = 1;
}
