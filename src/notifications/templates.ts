import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TemplateAdapter } from '@nestjs-modules/mailer';
import Handlebars from 'handlebars';

const FOLDER = join(__dirname, 'templates');

/** Columns of the text part. No line is longer, unless one word is. */
const WIDTH = 72;

/** Helpers of the text templates: what tables and borders are in HTML. */
const TEXT_HELPERS: Record<string, Handlebars.HelperDelegate> = {
  rule: () => '-'.repeat(WIDTH),
  underline: (heading: string) => '='.repeat(heading.length),
  /** Everything but the last argument to the left, the last one to the right. Handlebars adds one of its own. */
  row: (...values: unknown[]) => {
    const [right, ...left] = values.slice(0, -1).map(String).reverse() as [string, ...string[]];
    return (
      left
        .reverse()
        .join('')
        .padEnd(WIDTH - right.length) + right
    );
  },
};

/**
 * The templates in the folder beside this file, `<name>.html.hbs` and `<name>.txt.hbs`, compiled once. Each can be used
 * in the others as a partial. Values are escaped in HTML and left alone in text, where an entity would be noise.
 */
export class HandlebarsAdapter implements TemplateAdapter {
  private readonly html = compileAll('html', { strict: true }, {});
  private readonly text = compileAll('txt', { strict: true, noEscape: true }, TEXT_HELPERS);

  /** Renders `template` with `context` into both parts of a mail. */
  compile({ data }: { data: TemplatedMail }, done: (error?: Error | null) => void): void {
    try {
      Object.assign(data, this.render(data.template, data.context));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  /** Both parts of a mail. A value that the template names and `view` lacks is an error, null is not. */
  private render(name: string, view: object): { html: string; text: string } {
    const [html, text] = [this.html.get(name), this.text.get(name)];
    if (!html || !text) throw new Error(`There is no template ${name}`);
    return { html: html(view), text: text(view).split('\n').map(fold).join('\n') };
  }
}

function compileAll(format: string, options: CompileOptions, helpers: typeof TEXT_HELPERS): Map<string, Template> {
  const handlebars = Handlebars.create();
  handlebars.registerHelper(helpers);
  const suffix = `.${format}.hbs`;
  const templates = new Map<string, Template>();
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(suffix))) {
    const name = file.slice(0, -suffix.length);
    const template = handlebars.compile(readFileSync(join(FOLDER, file), 'utf8'), options);
    handlebars.registerPartial(name, template);
    templates.set(name, template);
  }
  return templates;
}

type Template = Handlebars.TemplateDelegate;

/** The options of `sendMail` that say what is in the mail. */
interface TemplatedMail {
  template: string;
  context: object;
}

/** Breaks a long line at spaces; what follows keeps its indentation. */
function fold(line: string): string {
  if (line.length <= WIDTH) return line;
  const indentation = /^ */.exec(line)?.[0] ?? '';
  const lines = [''];
  for (const word of line.trim().split(/ +/)) {
    const current = lines.at(-1) as string;
    if (current && indentation.length + current.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = current ? `${current} ${word}` : word;
  }
  return lines.map((text) => indentation + text).join('\n');
}
