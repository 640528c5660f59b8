"""How the shopping data becomes products, customers and baskets, on a few made-up rows of its shape."""

from pathlib import Path

import duckdb
import pytest

from souk_cli.seed.journey import Journey, Size

PRODUCTS = """
    (1, 2, 'GROCERY', 'National', 'FRZN ICE', 'ICE - CRUSHED', '22 LB'),
    (2, 3, 'PRODUCE', 'Private', 'TROPICAL FRUIT', 'BANANAS', NULL),
    (3, 4, 'FUEL', 'National', NULL, NULL, NULL),
    (4, 5, 'GROCERY', 'National', 'SOUP', 'SOUP', '10 OZ')
"""
TRANSACTIONS = """
    (900, 10, 2, 1, 0.99, TIMESTAMP '2017-01-02 10:00:00'),
    (900, 10, 1, 2, 3.00, TIMESTAMP '2017-01-02 10:00:00'),
    (900, 11, 2, 3, 3.27, TIMESTAMP '2017-01-01 09:00:00'),
    (901, 12, 2, 5, 4.75, TIMESTAMP '2017-03-01 09:00:00'),
    (901, 12, 3, 90000, 210.0, TIMESTAMP '2017-03-01 09:00:00'),
    (901, 13, 1, 0, 0.0, TIMESTAMP '2017-03-02 09:00:00')
"""
EVERYTHING = Size(None, None, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    products = "product_id, manufacturer_id, department, brand, product_category, product_type, package_size"
    transactions = "household_id, basket_id, product_id, quantity, sales_value, transaction_timestamp"
    for name, columns, rows in (("products", products, PRODUCTS), ("transactions", transactions, TRANSACTIONS)):
        duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) AS t ({columns})) TO '{tmp_path / name}.parquet'")  # noqa: S608 - constants
    return tmp_path


def test_best_sellers_come_first_with_their_median_price_in_cents(data: Path) -> None:
    found = Journey(data, EVERYTHING).products()
    assert [(one.id, one.sold, one.price) for one in found] == [(2, 3, 99), (1, 1, 150), (3, 1, None), (4, 0, None)]


def test_a_product_is_named_by_type_and_size_and_lies_in_its_category(data: Path) -> None:
    ice = next(one for one in Journey(data, EVERYTHING).products() if one.id == 1)
    assert ice.title == "Ice - Crushed 22 Lb"
    assert ice.path == ("Grocery", "Frzn Ice", "Ice - Crushed")


def test_what_lacks_a_type_is_named_by_what_is_known(data: Path) -> None:
    fuel = next(one for one in Journey(data, EVERYTHING).products() if one.id == 3)
    assert (fuel.title, fuel.path) == ("Fuel", ("Fuel",))


def test_baskets_come_in_the_order_of_time_without_what_has_no_price(data: Path) -> None:
    baskets = list(Journey(data, EVERYTHING).baskets())
    assert [one.id for one in baskets] == [11, 10, 12]
    assert [(line.product, line.quantity) for line in baskets[1].lines] == [(1, 2), (2, 1)]
    assert [line.product for line in baskets[2].lines] == [2]


def test_a_sample_takes_the_best_sellers_and_the_most_frequent_households(data: Path) -> None:
    sample = Journey(data, Size(1, 1, 1))
    assert [one.id for one in sample.products()] == [2]
    assert sample.households() == [900]
    assert (sample.count_baskets(), [one.id for one in sample.baskets()]) == (1, [11])
