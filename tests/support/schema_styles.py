"""Schemas in the styles that people have them in, by what each is like; no two of them are alike."""

from typing import Any, Final

Schema = dict[str, Any]

UUID: Final = {"type": "string", "logicalType": "uuid"}
MILLIS: Final = {"type": "long", "logicalType": "timestamp-millis"}
MICROS: Final = {"type": "long", "logicalType": "timestamp-micros"}
DATE: Final = {"type": "int", "logicalType": "date"}


def record(name: str, /, *fields: Schema, **more: Any) -> Schema:
    return {"type": "record", "name": name, **more, "fields": list(fields)}


def field(name: str, kind: Any, /, **more: Any) -> Schema:
    return {"name": name, "type": kind, **more}


def optional(name: str, kind: Any, /, **more: Any) -> Schema:
    return {"name": name, "type": ["null", kind], "default": None, **more}


def enum(name: str, *symbols: str, **more: Any) -> Schema:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def array(items: Any) -> Schema:
    return {"type": "array", "items": items}


def mapping(values: Any) -> Schema:
    return {"type": "map", "values": values}


def decimal(precision: int, scale: int, **more: Any) -> Schema:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale, **more}


ADDRESS: Final = record(
    "Address",
    field("street", "string"),
    field("houseNumber", "string"),
    field("zipCode", "string"),
    field("city", "string"),
    optional("state", "string"),
    field("country", "string", doc="ISO 3166-1 alpha-2"),
    namespace="com.acme.shop",
)

CUSTOMER: Final = record(
    "Customer",
    field("customerId", UUID),
    field("firstName", "string"),
    field("lastName", "string"),
    field("email", "string"),
    optional("phone", "string"),
    optional("dateOfBirth", DATE),
    field("address", "com.acme.shop.Address"),
    field("segment", enum("Segment", "GOLD", "SILVER", "BRONZE", default="BRONZE")),
    field("newsletter", "boolean", default=False),
    field("registeredAt", MILLIS),
    field("updatedAt", MILLIS),
    field("eventId", UUID),
    namespace="com.acme.shop",
)

ORDER: Final = record(
    "OrderPlaced",
    field("orderId", UUID),
    field("customerId", UUID),
    field("customerEmail", "string"),
    field("status", "string", default="NEW"),
    field(
        "lines",
        array(
            record(
                "OrderLine",
                field("productId", "string"),
                field("sku", "string"),
                field("productName", "string"),
                field("quantity", "int"),
                field("unitPrice", decimal(12, 2)),
                field("lineTotal", decimal(12, 2)),
            )
        ),
    ),
    field("shippingAddress", "Address"),
    optional("billingAddress", "Address"),
    field("currency", "string", doc="ISO 4217"),
    field("totalAmount", decimal(12, 2)),
    optional("couponCode", "string"),
    field("itemCount", "int"),
    field("createdAt", MILLIS),
    field("tags", mapping("string")),
    namespace="com.acme.shop",
)

PAYMENT: Final = record(
    "PaymentReceived",
    field("paymentId", UUID),
    field("orderId", UUID),
    field("customerId", UUID),
    field("amount", decimal(12, 2)),
    field("currency", "string"),
    field("method", enum("PaymentMethod", "CARD", "PAYPAL", "INVOICE")),
    optional("iban", "string"),
    field("paidAt", MICROS),
    namespace="com.acme.shop",
)

SHOP: Final = {"address": ADDRESS, "customer": CUSTOMER, "order": ORDER, "payment": PAYMENT}
"""Three topics that refer to each other, and a type that two of them share, in files of their own."""

_ROW: Final = record(
    "Value",
    field("id", "int"),
    field("first_name", "string"),
    field("last_name", "string"),
    field("email", "string"),
    field("created_at", {"type": "long", "connect.name": "org.example.MicroTimestamp"}),
    optional("balance", decimal(12, 2, **{"connect.parameters": {"scale": "2"}})),
)

CHANGE_CAPTURE: Final = record(
    "Envelope",
    optional("before", _ROW),
    optional("after", "Value"),
    field(
        "source",
        record(
            "Source",
            field("version", "string"),
            field("connector", "string"),
            field("name", "string"),
            field("ts_ms", "long"),
            field("snapshot", [{"type": "string", "connect.default": "false"}, "null"], default="false"),
            field("db", "string"),
            optional("sequence", "string"),
            field("table", "string"),
            optional("txId", "long"),
            namespace="org.example.connector",
        ),
    ),
    field("op", "string"),
    optional("ts_ms", "long"),
    optional("transaction", record("block", field("id", "string"), field("total_order", "long"))),
    namespace="server.inventory.customers",
)

READING: Final = record(
    "sensor_reading",
    field("reading_id", {"type": "fixed", "name": "uuid16", "size": 16}),
    field("device_id", "string"),
    field("site_id", "int"),
    field("ts", MICROS),
    field("local_time", {"type": "long", "logicalType": "local-timestamp-millis"}),
    field("day", DATE),
    field("time_of_day", {"type": "int", "logicalType": "time-millis"}),
    field("temperature_c", "float"),
    field("humidity_pct", "float"),
    field("pressure_hpa", "double"),
    field("battery_level", "int", doc="percent (0-100)"),
    field("rssi_dbm", "int"),
    field("latitude", "double"),
    field("firmware_version", "string"),
    field("uptime", {"type": "fixed", "name": "dur", "size": 12, "logicalType": "duration"}),
    optional("error_code", "int"),
    field("flags", array("boolean")),
    field("samples", array("float")),
    optional("raw", "bytes"),
    field("mac_address", "string"),
    field("quality", enum("quality", "good", "fair", "bad")),
    namespace="iot",
)

USER_EVENT: Final = record(
    "UserEvent",
    field(
        "header",
        record(
            "Header",
            field("eventId", "string"),
            optional("correlationId", "string"),
            field("eventType", "string", doc="One of SIGNED_UP, LOGGED_IN, LOGGED_OUT"),
            field("occurredAt", MILLIS),
            field("tenantId", "string"),
        ),
    ),
    field(
        "payload",
        [
            record("SignedUp", field("userId", "string"), field("email", "string"), field("plan", "string")),
            record(
                "LoggedIn", field("userId", "string"), field("ipAddress", "string"), field("count", "int")
            ),
            record(
                "LoggedOut",
                field("userId", "string"),
                field("durationSeconds", "long"),
                field("count", "string"),
            ),
        ],
    ),
    optional("attributes", mapping(["null", "string", "long", "double", "boolean"])),
    namespace="com.corp.identity",
)

ACCESS_LOG: Final = record(
    "AccessLog",
    field("request_id", "string"),
    field("timestamp", "string", doc="RFC 3339"),
    field("method", "string"),
    field("path", "string"),
    field("status", "int"),
    field("bytes", "long"),
    field("latency_ms", "double"),
    field("client_ip", "string"),
    field("user_agent", "string"),
    optional("referer", "string"),
    optional("user_id", "string"),
    field("headers", mapping(array("string"))),
    optional(
        "geo", record("Geo", field("country_code", "string"), field("city", "string"), field("lat", "float"))
    ),
    namespace="edge",
)

TRANSFER: Final = record(
    "Transfer",
    field("transfer_id", "long"),
    field("from_account_id", "long"),
    field("to_account_id", "long"),
    field("amount_cents", "long"),
    field("currency", enum("Currency", "EUR", "USD", "CHF")),
    field("value_date", DATE),
    field("booked_at", "long", doc="epoch microseconds"),
    field("iban_from", "string"),
    optional("reference", "string"),
    field("fraud_score", "float", doc="between 0 and 1"),
    field("approved", "boolean"),
    optional("risk", decimal(5, 4)),
    namespace="bank.core",
)

CATEGORY: Final = record(
    "CategoryNode",
    field("id", "string"),
    field("name", "string"),
    optional("parent", "CategoryNode"),
    field("children", array("CategoryNode")),
    field("attributes", mapping("CategoryNode")),
    field("updated_at", MILLIS),
    namespace="catalog.v1",
)

TELEMETRY: Final = record(
    "VehicleTelemetry",
    field("MessageID", "string"),
    field("VehicleID", "string"),
    field("VIN", "string"),
    field("Timestamp", MILLIS),
    field(
        "Position",
        record(
            "GeoPoint",
            field("Lat", "double"),
            field("Lon", "double"),
            optional("AltitudeM", "float"),
            field("Accuracy", record("Accuracy", field("HorizontalM", "float"))),
        ),
    ),
    field("Track", array(array("double"))),
    field(
        "Engine",
        record(
            "Engine",
            field("Rpm", "int"),
            field("OdometerKm", "long"),
            field("Codes", array(record("Dtc", field("Code", "string", doc="e.g. P0301")))),
        ),
    ),
    optional("Driver", record("Driver", field("DriverID", "string"), field("Name", "string"))),
    field("SpeedKmh", "float", default=0.0),
    field("IgnitionOn", "boolean"),
    namespace="com.fleet",
    aliases=["com.fleet.Telemetry"],
)

CLAIM: Final = record(
    "ClaimSubmitted",
    field("claimNumber", ["string", "long"]),
    field("policyId", "string"),
    field(
        "claimant",
        [
            record("Person", field("fullName", "string"), field("birthDate", DATE)),
            record("Organisation", field("companyName", "string"), field("vatId", "string")),
        ],
    ),
    optional("kind", enum("Kind", "FIRE", "WATER", "THEFT")),
    field(
        "amount",
        {"type": "fixed", "name": "Money", "size": 8, "logicalType": "decimal", "precision": 15, "scale": 2},
    ),
    field("photos", array("bytes")),
    optional("notes", array("string")),
    field("traceId", "string"),
    field("submitted_on", {"type": "long", "logicalType": "timestamp-nanos"}),
    namespace="ins",
)

PUSH: Final = [
    record(
        "Commit",
        field("sha", "string"),
        field("author", "string"),
        field("message", "string"),
        field("added", array("string")),
    ),
    record(
        "Push",
        field("id", {"type": "string", "avro.java.string": "String"}),
        field("repository", record("Repository", field("id", "long"), field("private", "boolean"))),
        field("ref", "string"),
        field("commits", array("Commit")),
        field("nothing", "null"),
        field("pushed_at", "int", doc="unix time, seconds"),
    ),
]

STYLES: Final[dict[str, Any]] = {
    "an envelope of change data capture": CHANGE_CAPTURE,
    "a wide reading with logical types": READING,
    "a header and a union of payloads": USER_EVENT,
    "a log of texts": ACCESS_LOG,
    "ids that are numbers": TRANSFER,
    "a record in itself": CATEGORY,
    "deeply nested, in PascalCase": TELEMETRY,
    "unions of many kinds": CLAIM,
    "a list of types": PUSH,
}
"""One schema a style; with SHOP, ten."""
