import { Config } from '../../src/config/config';

/** A variable as the class documents it: the decorator that checks it also describes it. */
interface Variable {
  name: string;
  description: string;
  value: unknown;
  allowed: string;
}

/** Every variable of {@link Config}, in the order of the class. */
export function variables(): Variable[] {
  return Object.entries(new Config()).map(([name, value]) => {
    const {
      description,
      enum: words,
      type,
      minimum,
      maximum,
    } = Reflect.getMetadata('swagger/apiModelProperties', Config.prototype, name);
    const range = minimum === undefined ? undefined : `${minimum} to ${maximum}`;
    const allowed = words?.join(', ') ?? range ?? (type === 'boolean' ? 'true, false' : '');
    return { name, description, value, allowed };
  });
}

/** The table of README.md. */
export function configurationTable(): string {
  const rows = variables().map(
    ({ name, description, value, allowed }) =>
      `| \`${name}\` | ${value === undefined ? '' : `\`${value}\``} | ${allowed} | ${description} |`,
  );
  return ['| Variable | Default | Takes | What for |', '|---|---|---|---|', ...rows].join('\n');
}

/** `.env.example`: every variable with its default, commented out. */
export function envExample(): string {
  const head = [
    '# Every setting of the service with its default. Copy to .env, or .env.<NODE_ENV>, and take away the # of what you change.',
    '# The environment wins over .env.<NODE_ENV>, which wins over .env. Wrong values end the process at start, by name.',
  ];
  const entries = variables().map(
    ({ name, description, value, allowed }) =>
      `\n# ${description}${allowed && ` (${allowed})`}\n#${name}=${quoted(value ?? '')}`,
  );
  return `${[...head, ...entries].join('\n')}\n`;
}

const quoted = (value: unknown) => (/[\s#<>]/.test(String(value)) ? `"${value}"` : value);
