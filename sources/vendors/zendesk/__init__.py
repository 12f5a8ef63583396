"""Zendesk: a support desk."""

from sources.canonical import System
from sources.ports import Vendor
from sources.vendors.zendesk.connector import open_connector
from sources.vendors.zendesk.limits import limits
from sources.vendors.zendesk.settings import ZendeskSettings

VENDOR = Vendor("zendesk", System.SUPPORT, ZendeskSettings, open_connector, limits)
