import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { notFound } from '../../errors/domain-error';
import { MAX_ID } from '../dto/fields';

const ID = /^[1-9]\d{0,15}$/;

/** Reads an id from text: null for what cannot be one. */
export function parseId(text: string): number | null {
  return ID.test(text) && Number(text) <= MAX_ID ? Number(text) : null;
}

/** For `{id}` in a path: what cannot be an id is the same 404 as an id that does not exist. */
@Injectable()
export class ParseIdPipe implements PipeTransform<string, number> {
  transform(value: string, _: ArgumentMetadata): number {
    const id = parseId(value);
    if (id === null) throw notFound('Resource');
    return id;
  }
}

/** Documents an integer `{id}` of a path. */
export const ApiId = (description: string) =>
  ApiParam({ name: 'id', description, schema: { type: 'integer', minimum: 1 }, example: 1 });
