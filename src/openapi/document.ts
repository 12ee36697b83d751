import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { addCommonAnswers } from './common-responses';
import { addExamples } from './examples';
import { lifeOfAnOrder } from './order-lifecycle';

const DESCRIPTION = `
Takes orders, keeps stock honest, processes orders in the background, and tells customers by e-mail.

**To try it here**: press *Authorize*, log in with user name (or e-mail) and password, open *Place an order* and execute it. An
account comes from *Register*. In development the first start adds demo products and prints an admin's password.

### Conventions
- **Money** is a whole number of cents with a \`currency\`; **times** are ISO 8601 in UTC.
- Unknown fields and wrong types are refused (400); nothing is coerced.
- **Errors** are RFC 9457 \`application/problem+json\`. Branch on \`code\`; \`request_id\` (on every answer as \`X-Request-Id\`) finds the log lines.
- **Lists** take \`limit\` with \`offset\` or \`cursor\`; follow \`next_cursor\` while \`has_more\`.
- **Safe to repeat**: send an \`Idempotency-Key\` with *Place an order*. **Safe to change**: send the \`ETag\` you read as \`If-Match\`.
- **Events** have positions without gaps: follow */events/stream* with \`Last-Event-ID\`, or read */events* with \`after\`, and miss nothing.
- What belongs to somebody else is the same 404 as what does not exist.
- \`RateLimit\` and \`RateLimit-Policy\` tell how many requests are left. On 429 and 503 wait for the seconds in \`Retry-After\` and send the request again.

### Life of an order
${lifeOfAnOrder()}

Every other change is 409 \`INVALID_TRANSITION\`. What you may do with an order now is in its \`available_actions\`.
`;

/** The groups in which the operations are shown, in this order. */
const TAGS = {
  Authentication: 'Accounts, tokens and passwords.',
  Users: 'People with an account: one’s own, and all of them for admins.',
  'API clients': 'Other backends: credentials with the role `service`. For admins.',
  Products: 'The catalogue and its stock. Anybody may read it.',
  Orders: 'Placing, reading and changing orders: one’s own, and all of them for API clients and admins.',
  Events:
    'What happened to orders, as a list and as a stream that resumes: one’s own, and all of them for API clients and admins.',
  Processing: 'What otherwise happens by itself every few minutes. For admins.',
  Notifications: 'E-mails that could not be delivered. For admins.',
  Operation: 'For load balancers and monitoring.',
};

const TOKEN_ENDPOINT = { tokenUrl: '/api/v1/auth/token', scopes: {} };

/** The OpenAPI document of everything that this service answers to. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Order management')
    .setDescription(DESCRIPTION.trim())
    .setVersion('1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addBearerAuth({ type: 'http', bearerFormat: 'JWT', description: 'The `access_token` of a login.' })
    .addBasicAuth({ type: 'http', description: 'An API client: its `client_id` and `client_secret`.' })
    // Last, because Swagger UI puts the cursor into the last one.
    .addOAuth2({
      type: 'oauth2',
      description: 'People: user name or e-mail, and password. API clients: `client_id` and `client_secret`.',
      flows: { password: TOKEN_ENDPOINT, clientCredentials: TOKEN_ENDPOINT },
    });
  for (const [name, description] of Object.entries(TAGS)) info.addTag(name, description);
  const document = SwaggerModule.createDocument(app, info.build(), {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '').toLowerCase()}_${method}`,
  });
  addCommonAnswers(document);
  addExamples(document);
  return document;
}
