// biome-ignore lint/suspicious/noExplicitAny: a document is walked, not typed
type Any = any;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Keeps the token of a login for all other requests. */
const KEEP_TOKEN = "pm.collectionVariables.set('access_token', pm.response.json().access_token);";

/**
 * The OpenAPI document as a Postman collection (v2.1): a folder for each tag, the examples as bodies, optional parameters
 * switched off. Log in first; its token is then sent with every request. Written here because what converts any document
 * weighs forty packages.
 */
export function postmanCollection(document: Any): Any {
  const operations = Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })),
  );
  return {
    info: {
      name: document.info.title,
      description: document.info.description,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    variable: [
      { key: 'base_url', value: 'http://localhost:8000' },
      { key: 'access_token', value: '' },
    ],
    item: document.tags.map(({ name, description }: Any) => ({
      name,
      description,
      item: operations.filter(({ operation }) => operation.tags.includes(name)).map(request),
    })),
  };
}

function request({ path, method, operation }: { path: string; method: string; operation: Any }): Any {
  const { summary, description, parameters = [], requestBody, security = [], responses } = operation;
  const [[type, media] = []] = Object.entries<Any>(requestBody?.content ?? {});
  const isPublic = security.some((requirement: object) => Object.keys(requirement).length === 0);
  const keepsToken = 'access_token' in (responses[200]?.content?.['application/json']?.example ?? {});
  const of = (where: string) => parameters.filter((parameter: Any) => parameter.in === where);
  const field = (parameter: Any) => ({
    key: parameter.name,
    value: String(parameter.example ?? parameter.schema.example ?? ''),
    description: parameter.description,
  });
  return {
    name: summary,
    ...(keepsToken && { event: [{ listen: 'test', script: { type: 'text/javascript', exec: [KEEP_TOKEN] } }] }),
    request: {
      method: method.toUpperCase(),
      description,
      ...(isPublic && { auth: { type: 'noauth' } }),
      header: [
        ...(type ? [{ key: 'Content-Type', value: type }] : []),
        ...of('header').map((parameter: Any) => ({ ...field(parameter), disabled: true })),
      ],
      ...(type && { body: body(type, media.example) }),
      url: {
        raw: `{{base_url}}${path.replace(/\{(\w+)\}/g, ':$1')}`,
        host: ['{{base_url}}'],
        path: path
          .replace(/\{(\w+)\}/g, ':$1')
          .split('/')
          .slice(1),
        query: of('query').map((parameter: Any) => ({ ...field(parameter), disabled: true })),
        variable: of('path').map(field),
      },
    },
    response: [],
  };
}

function body(type: string, example: Any): Any {
  if (type === 'application/json')
    return { mode: 'raw', raw: JSON.stringify(example, null, 2), options: { raw: { language: 'json' } } };
  return {
    mode: 'urlencoded',
    urlencoded: Object.entries(example).map(([key, value]) => ({ key, value: String(value), type: 'text' })),
  };
}
