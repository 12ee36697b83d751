import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { StartError } from '../errors/start-error';
import { Config, listOf } from './config';

/** Names what is wrong with the configuration, variable by variable, and never a value. */
export class ConfigError extends StartError {}

/**
 * The configuration of this process: the environment, then `.env.<NODE_ENV>`, then `.env`, the first that names a variable
 * winning. Nothing else reads `process.env`. Throws {@link ConfigError}.
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Config {
  const mode = environment.NODE_ENV || 'development';
  return parseConfig({
    ...readEnvFile(resolve(directory, '.env')),
    ...readEnvFile(resolve(directory, `.env.${mode}`)),
    ...environment,
  });
}

/** Checks and types a set of variables. An empty one counts as not set. Throws {@link ConfigError}. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const known = new Set(Object.keys(new Config()));
  const set = Object.entries({ ...environment, APP_PORT: environment.APP_PORT || environment.PORT }).filter(
    ([name, value]) => known.has(name) && value,
  );
  const config = plainToInstance(Config, Object.fromEntries(set));
  const errors = validateSync(config, { stopAtFirstError: true }).map(
    ({ property, constraints = {} }) => `${property} ${Object.values(constraints).join(', ')}`,
  );
  errors.push(...inconsistencies(config));
  if (errors.length > 0)
    throw new ConfigError(`Configuration refused:\n${errors.map((error) => `  - ${error}`).join('\n')}`);
  config.DEMO_DATA ??= config.isDevelopment;
  config.DOCS_ENABLED ??= config.isDevelopment;
  return config;
}

/** Rules over several variables, and rules that no pattern expresses. */
function inconsistencies(config: Config): string[] {
  const errors = [
    ...productionInconsistencies(config),
    ...mailInconsistencies(config),
    ...gatewayInconsistencies(config),
    ...networkInconsistencies(config),
    ...secretInconsistencies(config),
  ];
  if (!!config.ADMIN_EMAIL !== !!config.ADMIN_PASSWORD)
    errors.push('ADMIN_EMAIL and ADMIN_PASSWORD must be set together');
  return errors;
}

function productionInconsistencies({ NODE_ENV, DATABASE_URL, SECRET_KEY, FAILPOINT }: Config): string[] {
  if (NODE_ENV !== 'production') return [];
  const errors: string[] = [];
  if (!DATABASE_URL) errors.push('DATABASE_URL must be set in production (the embedded database is for development)');
  if (!SECRET_KEY) errors.push('SECRET_KEY must be set in production');
  if (FAILPOINT) errors.push('FAILPOINT must not be set in production');
  return errors;
}

/** Distinct characters below which a secret is weak: 32 random hexadecimal digits have 14 on average. */
const MIN_DISTINCT_CHARACTERS = 8;

/** A phrase is taken; few characters, one piece again and again, or a placeholder are not. */
const isWeak = (secret: string) =>
  new Set(secret).size < MIN_DISTINCT_CHARACTERS ||
  /^(.{1,32}?)\1+$/su.test(secret) ||
  /change[-_ ]?(me|this)|your[-_ ](secret|key)/i.test(secret);

function secretInconsistencies(config: Config): string[] {
  const names = ['SECRET_KEY', 'GATEWAY_SECRET'] as const;
  return names
    .filter((name) => config[name] && isWeak(config[name]))
    .map((name) => `${name} must be random, such as the output of openssl rand -base64 32`);
}

function gatewayInconsistencies({ GATEWAY, GATEWAY_URL, GATEWAY_SECRET }: Config): string[] {
  const errors: string[] = [];
  if (GATEWAY === 'http' && !GATEWAY_URL) errors.push('GATEWAY_URL must be set for GATEWAY=http');
  if (GATEWAY === 'http' && !GATEWAY_SECRET) errors.push('GATEWAY_SECRET must be set for GATEWAY=http');
  if (GATEWAY_URL && !isPlain(GATEWAY_URL))
    errors.push('GATEWAY_URL must be a valid address, without user name and password');
  return errors;
}

/** Without a password: `fetch` refuses such an address with an error that repeats it. */
function isPlain(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { username, password } = new URL(address);
  return !username && !password;
}

function networkInconsistencies({ TRUSTED_PROXIES, CORS_ORIGINS }: Config): string[] {
  const errors: string[] = [];
  if (!listOf(TRUSTED_PROXIES).every(isNetwork))
    errors.push('TRUSTED_PROXIES must be addresses or CIDRs separated by commas');
  if (!listOf(CORS_ORIGINS).every(isOrigin))
    errors.push('CORS_ORIGINS must be origins such as https://shop.example.com, separated by commas');
  return errors;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) > 0 &&
    rest.length === 0 &&
    // /0 trusts every client, so each could choose the address that the limits count.
    (prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits))
  );
}

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

function mailInconsistencies(config: Config): string[] {
  const { NODE_ENV, SERVICE_ROLE, SMTP_URL, MAIL_SERVER, MAIL_USERNAME, MAIL_PASSWORD } = config;
  const errors: string[] = [];
  if (SMTP_URL && MAIL_SERVER) errors.push('SMTP_URL and MAIL_SERVER must not be set together');
  if (SMTP_URL && !URL.canParse(SMTP_URL)) errors.push('SMTP_URL must be a valid address');
  if (!!MAIL_USERNAME !== !!MAIL_PASSWORD) errors.push('MAIL_USERNAME and MAIL_PASSWORD must be set together');
  if (NODE_ENV === 'production' && SERVICE_ROLE !== 'api' && !SMTP_URL && !MAIL_SERVER)
    errors.push('SMTP_URL or MAIL_SERVER must be set in production (mails would be written to files only)');
  return errors;
}

function readEnvFile(path: string): NodeJS.ProcessEnv {
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
}
