import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const cytoscape = {
  regex: '^cytoscape',
  message: 'cytoscape is known to editor/canvas*.ts alone.'
};
// English that a person would see or hear and that no translator sees; a lone path such as a/b.yaml is no English.
const words = '/^(?!\\s*\\S*[.\\/]\\S*\\s*$).*[A-Za-z]{2}/s';
const spoken = '/^(aria-label|aria-description|aria-roledescription|aria-valuetext|title|placeholder|alt)$/';
const untranslated = [
  `JSXText[value=${words}]`,
  `JSXElement > JSXExpressionContainer > Literal[value=${words}]`,
  `JSXAttribute[name.name=${spoken}] > Literal[value=${words}]`,
  `JSXAttribute[name.name=${spoken}] > JSXExpressionContainer Literal[value=${words}]:not(CallExpression *)`,
  `JSXAttribute[name.name=${spoken}] > JSXExpressionContainer TemplateElement[value.raw=${words}]`,
  `CallExpression[callee.property.name='setAttribute'][arguments.0.value=${spoken}] > Literal.arguments:nth-child(2)[value=${words}]`,
  `AssignmentExpression[left.property.name=/^(textContent|innerText|placeholder|ariaLabel|caption)$/] > Literal[value=${words}]`,
  `AssignmentExpression[left.object.property.name='title'][left.property.name='label'] > Literal[value=${words}]`,
  `Property[key.name=/^(label|caption|placeholder|displayName|tooltip)$/] > Literal.value[value=${words}]`,
  `CallExpression[callee.object.name='Notification'] > Literal.arguments[value=${words}]`
].map(selector => ({ selector, message: 'What people read goes through the translator: trans.__(…).' }));
const server = {
  selector: "ImportSpecifier[imported.name='ServerConnection']",
  message: 'Ask the server through api.ts.'
};
const only = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });
const strangers = (part, ...others) => ({
  files: [`src/${part}/**`],
  rules: only(cytoscape, {
    regex: `/(${others.join('|')})/`,
    message: `${part}/ and ${others.join('/, ')}/ are strangers: meet in tokens.ts.`
  })
});

export default tseslint.config(
  { ignores: ['src/generated.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { prefer: 'type-imports' }],
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true }],
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      ...only(cytoscape)
    }
  },
  strangers('jobs', 'editor', 'notebook'),
  strangers('editor', 'jobs', 'notebook'),
  strangers('notebook', 'jobs', 'editor'),
  { files: ['src/editor/canvas*'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['src/**'],
    ignores: ['src/**/*.test.*', 'src/**/fixtures/**'],
    rules: { 'no-restricted-syntax': ['error', server, ...untranslated] }
  },
  { files: ['src/api.ts'], rules: { 'no-restricted-syntax': ['error', ...untranslated] } },
  {
    files: ['src/**/*.test.{ts,tsx}'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' }
  }
);
