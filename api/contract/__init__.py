"""What the OpenAPI document says of every endpoint without being told: bounds, problems, headers.

An endpoint declares what is its own (``api.endpoint``); what follows from how requests are
authenticated, parsed and answered is added here, so that no endpoint can forget it.
"""
