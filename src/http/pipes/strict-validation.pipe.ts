import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type FieldError, validationFailed } from '../../errors/domain-error';
import { assertStorable } from '../json-body';

/** Validates bodies and queries against their DTO: unknown fields are refused, nothing is coerced. */
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      transform: true,
      exceptionFactory: (errors) => validationFailed(flatten(errors)),
    });
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // Here and not in a hook, so that the error is answered in the form that the route has for its errors.
    if (metadata.type === 'body') {
      assertStorable(value);
      // Nest would read it as an empty object.
      if (value === null) throw validationFailed([{ field: '', message: 'must be an object' }]);
    }
    return super.transform(value, metadata);
  }

  /** Nest would make the same number of `5`, `5.0` and `0x5` in a path before the route's own pipe sees it. */
  protected override transformPrimitive(value: unknown): unknown {
    return value;
  }
}

/** Nested validation errors as a flat list of `items.0.quantity`-like paths. */
function flatten(errors: ValidationError[], prefix = ''): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const field = `${prefix}${property}`;
    const messages = Object.entries(constraints).map(([rule, message]) => ({
      field,
      message: rule === 'whitelistValidation' ? 'is not a known field' : message,
    }));
    return [...messages, ...flatten(children, `${field}.`)];
  });
}
