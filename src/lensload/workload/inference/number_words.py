"""What the words of a number's name say of its values, integers, reals and decimals alike: as `text_words` for texts."""

from typing import Final

from lensload.workload.inference.guess_forms import Guess, choice, lognormal, normal, table, uniform
from lensload.workload.inference.vocabulary import words

NUMBERS: Final[dict[str, Guess]] = table(
    (
        "revenue, total, sum, subtotal, price, fee, charge, value, amount, cost, payment, paid",
        lognormal(40.0, 0.8, 1.0, 5000.0),
    ),
    ("tax, vat", lognormal(7.0, 0.8, 0.0, 1000.0)),
    ("shipping, discount", uniform(0.0, 20.0)),
    ("tip", uniform(0.0, 10.0)),
    ("balance", normal(1500.0, 800.0)),
    ("salary", lognormal(52000.0, 0.4, 15000.0, 500000.0)),
    ("income", lognormal(42000.0, 0.5, 0.0, 500000.0)),
    ("limit", choice(1000, 2000, 5000, 10000)),
    ("tax rate", choice(0.0, 0.07, 0.19)),
    ("exchange rate", normal(1.1, 0.05, min=0.5, max=2.0)),
    ("interest rate", uniform(0.0, 0.08)),
    (
        "quantity, qty, items, priority, level, severity, version, revision, rating, stars, type",
        uniform(1, 5),
    ),
    ("stock, inventory", uniform(0, 500)),
    ("count, size, length, num", uniform(0, 100)),
    ("number", uniform(1, 99999)),
    ("line number, seats", uniform(1, 9)),
    ("retry, retries, retry count", uniform(0, 3)),
    ("attempt, attempts", uniform(1, 3)),
    ("page, order", uniform(1, 20)),
    ("position, rank", uniform(1, 50)),
    ("index", uniform(0, 20)),
    ("views", lognormal(200, 1.2, 0, 1000000)),
    ("clicks, likes", lognormal(20, 1.2, 0, 100000)),
    ("age", normal(42, 15, min=18, max=95)),
    ("year", uniform(1990, 2026)),
    ("month", uniform(1, 12)),
    ("day", uniform(1, 28)),
    ("hour", uniform(0, 23)),
    ("minute, second", uniform(0, 59)),
    ("day of week", uniform(1, 7)),
    ("passenger", uniform(1, 4)),
    ("percent, percentage, pct, battery, battery level, fuel level, cpu, memory", uniform(0.0, 100.0)),
    ("discount percent", uniform(0.0, 30.0)),
    ("ratio, share, rate, probability, confidence, score, risk, fraction", uniform(0.0, 1.0)),
    ("latitude, lat", uniform(-90.0, 90.0, decimals=6)),
    ("longitude, lon, lng, long", uniform(-180.0, 180.0, decimals=6)),
    ("altitude, elevation", normal(300.0, 200.0, min=0.0, max=4000.0)),
    ("accuracy", uniform(1.0, 50.0)),
    ("heading, bearing", uniform(0.0, 359.0)),
    ("speed, velocity", normal(50.0, 20.0, min=0.0, max=200.0)),
    ("rpm", normal(2200.0, 600.0, min=0.0, max=8000.0)),
    ("distance", lognormal(12.0, 0.9, 0.0, 2000.0)),
    ("mileage, odometer", uniform(0, 250000)),
    ("temperature, temp", normal(20.0, 6.0, min=-40.0, max=80.0)),
    ("humidity", normal(50.0, 15.0, min=0.0, max=100.0)),
    ("pressure", normal(1013.0, 8.0, min=900.0, max=1100.0)),
    ("voltage", normal(230.0, 3.0, min=0.0, max=400.0)),
    ("current", normal(5.0, 2.0, min=0.0, max=32.0)),
    ("power", lognormal(400.0, 0.8, 0.0, 20000.0)),
    ("energy", lognormal(10.0, 0.8, 0.0, 10000.0)),
    ("frequency", normal(50.0, 0.05, min=45.0, max=65.0)),
    ("vibration", lognormal(1.0, 0.6, 0.0, 50.0)),
    ("wind speed", lognormal(4.0, 0.6, 0.0, 40.0)),
    ("rainfall", lognormal(1.0, 1.0, 0.0, 100.0)),
    ("co2", normal(600.0, 150.0, min=350.0, max=3000.0)),
    ("lux", lognormal(300.0, 1.0, 0.0, 100000.0)),
    ("rssi, signal strength", normal(-70.0, 10.0, min=-110.0, max=-30.0)),
    ("weight", lognormal(2.0, 0.8, 0.05, 100.0)),
    ("height", normal(170.0, 12.0, min=40.0, max=220.0)),
    ("width, depth", uniform(1.0, 100.0)),
    ("heart rate", normal(72.0, 12.0, min=35.0, max=200.0)),
    ("duration, time", lognormal(300.0, 1.0, 0.0, 86400.0)),
    ("latency, response time, elapsed, elapsed time", lognormal(30.0, 0.8, 1.0, 10000.0)),
    ("timeout", choice(1000, 5000, 30000)),
    ("ttl", choice(60, 3600, 86400)),
    ("uptime", lognormal(86400.0, 1.0, 0.0, 10000000.0)),
    ("bytes, content length", lognormal(1500.0, 1.0, 1, 1000000)),
    ("port", uniform(1024, 65535)),
    ("status, status code, http status", {"choice": {"200": 90, "404": 6, "500": 4}}),
    ("error code", uniform(400, 599)),
    ("code", uniform(100, 999)),
    ("partition", uniform(0, 11)),
    ("offset, sequence, seq, sequence number, lsn, nonce, counter", {"sequence": {}}),
    ("x, y, z", uniform(-100.0, 100.0)),
)

CENTS: Final = words("cents cent minor pence")
"""Words that say that an amount is in hundredths; so is any amount in whole numbers."""
MONEY: Final = words(
    "amount price total cost fee subtotal payment revenue charge paid tax vat shipping discount balance"
)
MEASURES: Final = words(
    "celsius fahrenheit kelvin c f kg grams gram g km meters metres meter m cm mm miles mi kb mb gb "
    "usd eur gbp hpa pa bar volts v watts w kw kwh hz db dbm deg degrees kmh kph mph mps ppm"
)
"""Units at the end of a name that say nothing of the values' kind."""
