import { Body, Controller, Get, Header, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { ApiIfMatch, type ExpectedVersions, IfMatch } from '../http/etag';
import { CreatesIn } from '../http/interceptors/created.interceptor';
import { ConditionalGet, ETAG_HEADER, Etag } from '../http/interceptors/etag.interceptor';
import { ApiId, ParseIdPipe } from '../http/pipes/parse-id.pipe';
import { AdjustStockRequest, CreateProductRequest, ProductsQuery, UpdateProductRequest } from './product-request.dto';
import { ProductListResponse, ProductResponse } from './product-response.dto';
import { ProductsService } from './products.service';

/** The version, and the stock, which changes without a new one. `If-Match` compares the version only. */
const tagOf = ({ version, stock }: ProductResponse): string =>
  stock ? `"${version}-${stock.on_hand}-${stock.reserved}"` : `"${version}"`;

@ApiTags('Products')
@Controller('products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  @Public()
  @Header('cache-control', 'no-cache')
  @ApiOperation({ summary: 'List products', description: 'By id, with filters.' })
  @ApiOkResponse({ type: ProductListResponse })
  @ApiProblem(400, 'A query parameter is unknown or cannot be accepted.')
  list(@Query() query: ProductsQuery): Promise<ProductListResponse> {
    return this.products.list(query);
  }

  @Get(':id')
  @Public()
  @Header('cache-control', 'no-cache')
  @ConditionalGet(tagOf)
  @ApiId('The product.')
  @ApiOperation({ summary: 'Get a product', description: 'With its stock as it is now.' })
  @ApiOkResponse({ type: ProductResponse, headers: ETAG_HEADER })
  @ApiProblem(404, 'There is no such product.')
  get(@Param('id', ParseIdPipe) id: number): Promise<ProductResponse> {
    return this.products.get(id);
  }

  @Post()
  @Roles('admin')
  @Etag(tagOf)
  @ApiOperation({ summary: 'Create a product', description: 'Its first stock is a line of the ledger like any other.' })
  @CreatesIn('products')
  @ApiCreatedResponse({ type: ProductResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(409, 'The SKU is taken.', 'SKU_TAKEN')
  create(@Body() request: CreateProductRequest, @CurrentPrincipal() principal: Principal): Promise<ProductResponse> {
    return this.products.create(request, principal);
  }

  @Patch(':id')
  @Roles('admin')
  @Etag(tagOf)
  @ApiIfMatch()
  @ApiProblem(412, 'The product has changed since you read it.')
  @ApiId('The product.')
  @ApiOperation({
    summary: 'Edit a product',
    description: 'Orders that were placed keep the name and price they copied.',
  })
  @ApiOkResponse({ type: ProductResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field cannot be accepted.')
  @ApiProblem(404, 'There is no such product.')
  @ApiProblem(409, 'The SKU is taken.', 'SKU_TAKEN')
  update(
    @Param('id', ParseIdPipe) id: number,
    @Body() request: UpdateProductRequest,
    @IfMatch() versions: ExpectedVersions,
  ): Promise<ProductResponse> {
    return this.products.update(id, request, versions);
  }

  @Post(':id/stock')
  @Roles('admin')
  @HttpCode(200)
  @Etag(tagOf)
  @ApiId('The product.')
  @ApiOperation({
    summary: 'Adjust stock',
    description: 'Adds to or takes from the pieces on hand; kept in the ledger.',
  })
  @ApiOkResponse({ type: ProductResponse, headers: ETAG_HEADER })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(404, 'There is no such product.')
  @ApiProblem(409, 'Fewer pieces would be left than are reserved.', 'INSUFFICIENT_STOCK')
  adjustStock(
    @Param('id', ParseIdPipe) id: number,
    @Body() request: AdjustStockRequest,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ProductResponse> {
    return this.products.adjustStock(id, request, principal);
  }
}
